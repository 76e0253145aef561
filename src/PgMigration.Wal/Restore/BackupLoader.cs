using System.Runtime.Versioning;
using System.Threading.Channels;

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
    private readonly BackupContents _backup;
    private readonly RestoreLayout _layout;
    private readonly LoadOptions _options;
    private readonly DataDirectoryFiles _files;
    private readonly EntryPlacement _placement;
    private readonly IMigrationObserver _observer;

    /// <summary>Prepares a load; nothing is done yet.</summary>
    /// <param name="storage">The archive.</param>
    /// <param name="backup">The backup's objects.</param>
    /// <param name="layout">The data directory, which exists.</param>
    /// <param name="options">How.</param>
    /// <param name="observer">Who watches.</param>
    public BackupLoader(IArchiveStorage storage, BackupContents backup, RestoreLayout layout, LoadOptions options, IMigrationObserver observer)
    {
        _storage = storage;
        _backup = backup;
        _layout = layout;
        _options = options;
        _observer = observer;
        _files = new DataDirectoryFiles(layout.DataDirectory, options.Owner);
        _placement = new EntryPlacement(options.Tablespaces.Keys);
    }

    /// <summary>Whether a data directory has been loaded to the end: its pg_control is in place, which is the last thing done.</summary>
    public static bool IsLoaded(RestoreLayout layout) => File.Exists(Path.Combine(layout.DataDirectory, "global", "pg_control"));

    /// <summary>Loads the backup, or what an earlier run has left to do.</summary>
    /// <param name="cancel">Stops it between two pieces; what is done stays for the next run.</param>
    /// <exception cref="MigrationException"><c>PartDamaged</c>, <c>BackupIncomplete</c>, <c>EntryNameHostile</c>, <c>DiskFull</c>, or what the archive says.</exception>
    public async Task LoadAsync(CancellationToken cancel)
    {
        if (IsLoaded(_layout))
        {
            return;
        }

        MakeFolders();
        using var disks = new FileSystemSync([_layout.DataDirectory, .. _options.Tablespaces.Values]);
        using var journal = new PartsJournal(_layout.PartsFile);
        _files.Own(_layout.PartsFile);
        await ExtractAsync(journal, disks, cancel);
        await CheckAsync(cancel);
        cancel.ThrowIfCancellationRequested();
        foreach (string folder in EntryPlacement.EmptyFolders.Append("pg_wal/archive_status"))
        {
            _files.MakeFolder(folder);
        }

        disks.Flush();
        new HeldFiles(_layout).PutInPlace();
    }

    private void MakeFolders()
    {
        _files.MakeFolder($"{RestoreLayout.FolderName}/{HeldFiles.FolderName}");
        _files.MakeFolder("global");
        _files.MakeFolder("pg_tblspc");
        foreach (var (oid, folder) in _options.Tablespaces)
        {
            _files.MakeLink($"pg_tblspc/{oid}", folder);
        }
    }

    private async Task ExtractAsync(PartsJournal journal, FileSystemSync disks, CancellationToken cancel)
    {
        var todo = _backup.Parts.Where(part => !journal.Done.Contains(BackupContents.ShortName(part))).ToList();
        long done = _backup.Length - todo.Concat(_backup.LastParts).Sum(part => part.Length);
        if (done > 0)
        {
            _observer.Verbose($"{_backup.Parts.Count - todo.Count} of {_backup.Parts.Count} parts are on disk already; the restore goes on.");
        }

        await using var meter = new TransferMeter(_observer, $"Restoring {_backup.Name}", _backup.Length, done);
        var extracted = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });
        using var failure = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var recording = RecordAsync(extracted.Reader, journal, disks, failure);
        try
        {
            await RunAllAsync(todo, async part =>
            {
                await ExtractPartAsync(part, meter, failure.Token);
                extracted.Writer.TryWrite(BackupContents.ShortName(part));
            }, failure);
        }
        finally
        {
            extracted.Writer.Complete();
            await recording; // what was extracted before a failure or a Ctrl-C is recorded too
        }

        foreach (var part in _backup.LastParts)
        {
            await ExtractPartAsync(part, meter, cancel);
        }
    }

    /// <summary>Runs one worker a core, each with a thread of its own since decoders block; the first failure ends the others.</summary>
    private async Task RunAllAsync(IEnumerable<ArchiveObject> parts, Func<ArchiveObject, Task> extract, CancellationTokenSource failure)
    {
        var queue = new System.Collections.Concurrent.ConcurrentQueue<ArchiveObject>(parts);
        Exception? first = null;
        await Task.WhenAll(Enumerable.Range(0, Math.Max(1, Math.Min(_options.Parallelism, queue.Count))).Select(_ => Task.Factory.StartNew(Work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        if (first is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
        }

        void Work()
        {
            try
            {
                while (queue.TryDequeue(out var part))
                {
                    failure.Token.ThrowIfCancellationRequested();
                    extract(part).GetAwaiter().GetResult();
                }
            }
            catch (Exception error)
            {
                Interlocked.CompareExchange(ref first, error, null);
                failure.Cancel();
            }
        }
    }

    /// <summary>Flushes while the next parts are being extracted, and only then counts parts as done.</summary>
    private static async Task RecordAsync(ChannelReader<string> extracted, PartsJournal journal, FileSystemSync disks, CancellationTokenSource failure)
    {
        try
        {
            while (await extracted.WaitToReadAsync(CancellationToken.None))
            {
                var parts = new List<string>();
                while (extracted.TryRead(out string? part))
                {
                    parts.Add(part);
                }

                disks.Flush();
                journal.Add(parts);
            }
        }
        catch (IOException error)
        {
            await failure.CancelAsync();
            throw new MigrationException("FlushFailed", MigrationErrorKind.ResourceUnavailable,
                $"What was restored could not be written to disk: {error.Message} Mend or enlarge the disk and run the same command again: it goes on where it stopped.", error);
        }
    }

    private async Task ExtractPartAsync(ArchiveObject part, TransferMeter meter, CancellationToken cancel)
    {
        try
        {
            await using var tar = _storage.Decode(part.Name, new MeteredStream(await _storage.OpenReadAsync(part.Name, 0, cancel), meter, cancel));
            new PartExtractor(_files, _placement, _observer).Extract(tar, cancel);
        }
        catch (InvalidDataException error)
        {
            throw new MigrationException("PartDamaged", MigrationErrorKind.InvalidData,
                $"{_storage.Url}/{part.Name} is damaged: {error.Message.TrimEnd('.')}. No server can be started from {_layout.DataDirectory}; choose another backup with -BackupName and an empty directory.", error);
        }
        catch (IOException error) when (FullDisk.IsCause(error))
        {
            throw FullDisk.Explain(_layout.DataDirectory, $"{BackupContents.ShortName(part)} was extracted", error);
        }
    }

    private async Task CheckAsync(CancellationToken cancel)
    {
        var minimum = new MinimumCheck(_layout, _options, _backup.Name);
        minimum.Check();
        if (_backup.FilesMetadata is not { } list)
        {
            minimum.WarnOfMissingList(_observer);
            return;
        }

        _observer.Verbose($"Looking for every file that {list.Name} names.");
        await using var json = await _storage.OpenReadAsync(list.Name, 0, cancel);
        await new NamesCheck(_files, _placement, _backup.Name).CheckAsync(json, cancel);
    }
}
