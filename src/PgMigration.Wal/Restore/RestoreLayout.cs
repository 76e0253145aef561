namespace PgMigration.Wal;

/// <summary>Where our own files of a restore lie: in <c>pgmigration/</c> inside the data directory, so that a pool file can be renamed into pg_wal.</summary>
/// <remarks>
/// PostgreSQL leaves folders that it does not know in the data directory alone. The programs address these files relative to the data
/// directory, which is the working directory of restore_command; that also keeps the socket's path below the 108 bytes of sockaddr_un.
/// </remarks>
/// <param name="DataDirectory">The data directory, absolute.</param>
public sealed record RestoreLayout(string DataDirectory)
{
    /// <summary>The name of the folder within the data directory.</summary>
    public const string FolderName = "pgmigration";

    /// <summary>The folder of our own files.</summary>
    public string Folder => Path.Combine(DataDirectory, FolderName);

    /// <summary>What is restored from where, and how far it is (JSON; no secret in it).</summary>
    public string RecordFile => Path.Combine(Folder, "restore.json");

    /// <summary>How the archive is reached, secrets included (JSON, mode 0600, owned by the server's OS user).</summary>
    public string ArchiveFile => Path.Combine(Folder, "archive.json");

    /// <summary>The parts of the backup that are completely extracted and synced, one name a line, appended.</summary>
    public string PartsFile => Path.Combine(Folder, "parts.done");

    /// <summary>Pages whose checksum was wrong when they were restored, one a line.</summary>
    public string SuspectsFile => Path.Combine(Folder, "pages.suspect");

    /// <summary>Checked segments that wait to be asked for; a file here is whole (it came by rename).</summary>
    public string PoolFolder => Path.Combine(Folder, "pool");

    /// <summary>Segments placed so far, with the checksum of their first page (appended by the prefetcher).</summary>
    public string PlacedFile => Path.Combine(Folder, "placed.journal");

    /// <summary>The socket on which the prefetcher answers.</summary>
    public string SocketFile => Path.Combine(Folder, "prefetch.sock");

    /// <summary>Locked (flock) by the one prefetcher that runs.</summary>
    public string LockFile => Path.Combine(Folder, "prefetch.lock");

    /// <summary>What the prefetcher last did and knows (JSON, replaced by rename).</summary>
    public string StatusFile => Path.Combine(Folder, "prefetch.status");

    /// <summary>The prefetcher's own log.</summary>
    public string LogFile => Path.Combine(Folder, "prefetch.log");
}
