using System.Globalization;
using System.Runtime.Versioning;

namespace PgMigration.Wal;

/// <summary>Checks that a loaded directory holds at least what every cluster has, before a server may start on it.</summary>
/// <remarks>
/// A part that is gone from the archive leaves no trace when the backup has no list of its files: the server would fail at each
/// connection, or, worse, start without the tables of a tablespace. Sources: initdb.c (PG_VERSION), relmapper.c
/// (global/pg_filenode.map), clog.c (pg_xact), and create_tablespace_directories in tablespace.c: even an empty tablespace has its
/// PG_ folder. Template databases can be dropped and made anew under other oids, so any one database will do.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed class MinimumCheck(RestoreLayout layout, LoadOptions options, string backupName)
{
    // The size that a writer recorded and the files on disk differ a little: what grew or was dropped meanwhile, and what is left out.
    private const double MuchSmaller = 0.9;

    /// <summary>Looks for what must be there.</summary>
    /// <exception cref="MigrationException"><c>BackupIncomplete</c>, naming what is missing; <c>BackupVersionWrong</c>.</exception>
    public void Check()
    {
        string version = ReadVersion();
        if (!File.Exists(In("global/pg_filenode.map")))
        {
            throw Missing("global/pg_filenode.map");
        }

        if (!Found(In("base"), "*").Any(database => File.Exists(Path.Combine(database, "PG_VERSION"))))
        {
            throw Missing("base/1/PG_VERSION, nor any other database");
        }

        if (!Found(In("pg_xact"), "*").Any())
        {
            throw Missing("file in pg_xact");
        }

        foreach (var (oid, folder) in options.Tablespaces)
        {
            if (!Found(folder, $"PG_{version}_*").Any())
            {
                throw Missing($"folder pg_tblspc/{oid}/PG_{version}_*: the tables of the tablespace {oid} would be missing");
            }
        }
    }

    /// <summary>Tells that a backup without a list of its files cannot be proven whole, and whether it looks as if it were not.</summary>
    public void WarnOfMissingList(IMigrationObserver observer)
    {
        long loaded = options.Tablespaces.Values.Append(layout.DataDirectory).Sum(Size);
        string much = options.UncompressedSize is not { } recorded ? string.Empty
            : string.Create(CultureInfo.InvariantCulture, $" {loaded:N0} bytes were loaded; its sentinel says {recorded:N0}{(loaded < recorded * MuchSmaller ? ", which is much more: a part seems to be missing in the archive. Do not use this server; choose another backup with -BackupName" : string.Empty)}.");
        observer.Warning($"The backup {backupName} has no files_metadata.json, so it cannot be proven that none of its parts is missing.{much}");
    }

    private string ReadVersion()
    {
        string path = In("PG_VERSION");
        string version = new FileInfo(path) is { Exists: true, Length: < 64 } ? File.ReadAllText(path).Trim() : throw Missing("PG_VERSION, or one that is too long");
        return options.MajorVersion is not { } major || version == major.ToString(CultureInfo.InvariantCulture) ? version : throw new MigrationException("BackupVersionWrong", MigrationErrorKind.InvalidData,
            string.Create(CultureInfo.InvariantCulture, $"The backup {backupName} holds a cluster of version {version}, and its WAL is of version {major}: they do not belong together. Choose another backup with -BackupName, and an empty directory."));
    }

    // our own folder holds the pool of fetched segments
    private long Size(string folder) => Found(folder, "*").Where(path => path != layout.Folder)
        .Sum(path => Directory.Exists(path)
            ? new DirectoryInfo(path).EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint }).Sum(file => file.Length)
            : new FileInfo(path).Length);

    private static IEnumerable<string> Found(string folder, string pattern) => Directory.Exists(folder) ? Directory.EnumerateFileSystemEntries(folder, pattern) : [];

    private string In(string name) => Path.Combine(layout.DataDirectory, name);

    private MigrationException Missing(string what) => new("BackupIncomplete", MigrationErrorKind.InvalidData,
        $"The backup {backupName} holds no {what}: a part of it is missing in the archive. No server was started from {layout.DataDirectory}; choose another backup with -BackupName, and an empty directory.");
}
