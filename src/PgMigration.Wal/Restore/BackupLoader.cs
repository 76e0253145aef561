using System.Runtime.Versioning;

namespace PgMigration.Wal;

/// <summary>Loads a base backup from its archive into a data directory: the order of a restore, on one page.</summary>
/// <remarks>
/// Killed at any moment and run again, it goes on: a part counts as done once its file systems have been flushed, and one that does
/// not count is extracted again over what it left. No server can start before the very end, when pg_control is put in place.
/// </remarks>
[SupportedOSPlatform("linux")]
public sealed class BackupLoader
{
    private readonly IArchiveStorage _storage;
    private readonly IReadOnlyList<BackupContents> _chain;
    private readonly RestoreLayout _layout;
    private readonly LoadOptions _options;
    private readonly EntryPlacement _placement;
    private readonly IMigrationObserver _observer;

    /// <summary>Prepares a load; nothing is done yet.</summary>
    /// <param name="storage">The archive.</param>
    /// <param name="chain">The backup's objects; of a delta, then those of the backups it builds on, down to the full one.</param>
    /// <param name="layout">The data directory, which exists.</param>
    /// <param name="options">How.</param>
    /// <param name="observer">Who watches.</param>
    public BackupLoader(IArchiveStorage storage, IReadOnlyList<BackupContents> chain, RestoreLayout layout, LoadOptions options, IMigrationObserver observer)
    {
        _storage = storage;
        _chain = chain;
        _layout = layout;
        _options = options;
        _observer = observer;
        _placement = new EntryPlacement(options.Tablespaces.Keys);
    }

    /// <summary>Whether a data directory has been loaded to the end: its pg_control is in place, which is the last thing done.</summary>
    public static bool IsLoaded(RestoreLayout layout) => File.Exists(Path.Combine(layout.DataDirectory, "global", "pg_control"));

    /// <summary>Loads the backup, or what an earlier run has left to do.</summary>
    /// <param name="cancel">Stops it between two pieces; what is done stays for the next run.</param>
    /// <exception cref="MigrationException"><c>PartDamaged</c>, <c>BackupIncomplete</c>, <c>EntryNameHostile</c>, <c>DiskFull</c>, or what the archive says.</exception>
    public async Task LoadAsync(CancellationToken cancel)
    {
        _options.Verifier?.Open(_layout.SuspectsFile);
        if (IsLoaded(_layout))
        {
            DeltaJournal.Remove(_layout);
            return;
        }

        var files = new DataDirectoryFiles(_layout.DataDirectory, _options.Owner) { ReplacesEarlier = File.Exists(_layout.PartsFile) };
        MakeFolders(files);
        using var disks = new FileSystemSync([_layout.DataDirectory, .. _options.Tablespaces.Values]);
        using (var journal = new PartsJournal(_layout.PartsFile))
        {
            files.Own(_layout.PartsFile);
            await using var load = new LoadRun(_storage, _chain, _layout, _options, files, _placement, _observer);
            await load.ExtractAsync(journal, disks, cancel);
            await load.CheckAsync(cancel);
        }

        cancel.ThrowIfCancellationRequested();
        foreach (string folder in EntryPlacement.EmptyFolders.Append("pg_wal/archive_status"))
        {
            files.MakeFolder(folder);
        }

        disks.Flush();
        new HeldFiles(_layout).PutInPlace();
        DeltaJournal.Remove(_layout); // not before: a run that is killed here needs it
    }

    private void MakeFolders(DataDirectoryFiles files)
    {
        files.MakeFolder($"{RestoreLayout.FolderName}/{HeldFiles.FolderName}");
        files.MakeFolder("global");
        files.MakeFolder("pg_tblspc");
        foreach (var (oid, folder) in _options.Tablespaces)
        {
            files.MakeLink($"pg_tblspc/{oid}", folder);
        }
    }
}
