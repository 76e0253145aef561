using System.Globalization;

namespace PgMigration.Wal;

/// <summary>Finds what of a running cluster belongs into a base backup.</summary>
/// <remarks>Source of the rules: sendDir, excludeDirContents and excludeFiles in PostgreSQL's src/backend/backup/basebackup.c, and WAL-G's own list.</remarks>
internal sealed class ClusterFiles
{
    // What a restored server makes itself, or fetches: the folder goes along, empty.
    private static readonly HashSet<string> EmptyFolders =
        ["pg_wal", "pg_replslot", "pg_dynshmem", "pg_notify", "pg_serial", "pg_snapshots", "pg_stat_tmp", "pg_subtrans", "log"];

    // Of the running server, of its own recovery, or of another backup.
    private static readonly HashSet<string> LeftOut =
    [
        "postmaster.pid", "postmaster.opts", "recovery.conf", "recovery.signal", "standby.signal", "backup_label", "backup_label.old",
        "tablespace_map", "tablespace_map.old", "backup_manifest", "postgresql.auto.conf.tmp", "current_logfiles", "current_logfiles.tmp",
        "server.log", RestoreLayout.FolderName,
    ];

    private readonly string _root;
    private readonly IMigrationObserver _observer;
    private readonly List<ClusterFile> _found = [];
    private readonly List<BackupTablespace> _tablespaces = [];

    private ClusterFiles(string root, IMigrationObserver observer)
    {
        _root = root;
        _observer = observer;
    }

    /// <summary>Files and folders; a folder comes before what it holds. The control file is not among them: it goes last.</summary>
    public IReadOnlyList<ClusterFile> Found => _found;

    /// <summary>The tablespaces that are links to elsewhere.</summary>
    public IReadOnlyList<BackupTablespace> Tablespaces => _tablespaces;

    /// <summary>Walks a data directory. What vanishes meanwhile belongs to a table that was dropped.</summary>
    public static ClusterFiles Walk(string dataDirectory, IMigrationObserver observer, CancellationToken cancel)
    {
        var files = new ClusterFiles(dataDirectory, observer);
        files.WalkFolder(new DirectoryInfo(dataDirectory), string.Empty, cancel);
        return files;
    }

    private void WalkFolder(DirectoryInfo folder, string name, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        FileSystemInfo[] entries;
        try
        {
            entries = folder.GetFileSystemInfos();
        }
        catch (DirectoryNotFoundException) when (name.Length > 0)
        {
            return;
        }

        var unlogged = Unlogged(entries);
        foreach (var entry in entries.OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            string entryName = $"{name}/{entry.Name}";
            if ((name.Length == 0 && LeftOut.Contains(entry.Name)) || IsLeftOutAnywhere(entry.Name) || entryName == "/global/pg_control"
                || (RelationFile.TryParse(entry.Name) is { } relation && (relation.IsTemporary || (unlogged.Contains(relation.Number) && !relation.IsInitialFork))))
            {
                continue;
            }

            Take(entry, entryName, name, cancel);
        }
    }

    private void Take(FileSystemInfo entry, string entryName, string folderName, CancellationToken cancel)
    {
        if (entry.LinkTarget is not null)
        {
            TakeLink(entry, entryName, folderName, cancel);
        }
        else if (entry is DirectoryInfo inner)
        {
            _found.Add(new ClusterFile(entryName, entry.FullName, 0, IsFolder: true));
            if (folderName.Length > 0 || !EmptyFolders.Contains(entry.Name))
            {
                WalkFolder(inner, entryName, cancel);
            }
        }
        else if (OperatingSystem.IsWindows() || IsRegular((FileInfo)entry))
        {
            _found.Add(new ClusterFile(entryName, entry.FullName, LengthOf((FileInfo)entry), IsFolder: false));
        }
    }

    private void TakeLink(FileSystemInfo entry, string entryName, string folderName, CancellationToken cancel)
    {
        if (folderName == "/pg_tblspc" && uint.TryParse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture, out uint oid))
        {
            // a plain folder in the parts, its link in the specification
            var target = (DirectoryInfo)entry.ResolveLinkTarget(returnFinalTarget: true)!;
            _tablespaces.Add(new BackupTablespace(oid, target.FullName));
            _found.Add(new ClusterFile(entryName, target.FullName, 0, IsFolder: true));
            WalkFolder(target, entryName, cancel);
        }
        else if (folderName.Length == 0 && EmptyFolders.Contains(entry.Name))
        {
            _found.Add(new ClusterFile(entryName, _root, 0, IsFolder: true)); // pg_wal on a disk of its own
        }
        else
        {
            _observer.Warning($"'{entry.FullName}' is a link and is left out of the backup, as PostgreSQL's own backups leave it out.");
        }
    }

    private static bool IsLeftOutAnywhere(string name) =>
        name.StartsWith("pgsql_tmp", StringComparison.Ordinal) || name.StartsWith("pg_internal.init", StringComparison.Ordinal);

    // An unlogged table has an initial fork, and only that survives a crash or a restore.
    private static HashSet<string> Unlogged(FileSystemInfo[] entries) =>
        [.. entries.Select(entry => RelationFile.TryParse(entry.Name)).Where(relation => relation is { IsInitialFork: true }).Select(relation => relation!.Number)];

    private static bool IsRegular(FileInfo file) => (file.Attributes & (FileAttributes.Device | FileAttributes.ReparsePoint)) == 0;

    private static long LengthOf(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (FileNotFoundException)
        {
            return 0; // gone: it is found missing once more when it is to be read
        }
    }
}
