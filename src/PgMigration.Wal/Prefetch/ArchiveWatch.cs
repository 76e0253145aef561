namespace PgMigration.Wal;

/// <summary>Keeps the view of the archive fresh: looks for the next segment by its name, often, and lists what else there is, now and then.</summary>
/// <remarks>
/// The downtime of a cutover hangs on how soon the last segment is noticed. A folder tells by itself, and is looked at every 25 ms all the
/// same (network file systems tell nothing); a bucket is asked four times a second while PostgreSQL waits.
/// </remarks>
internal sealed class ArchiveWatch : IDisposable
{
    private static readonly TimeSpan LookAtFolder = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan LookAtBucket = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LookIdly = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ListEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    // PostgreSQL pauses between two requests; it counts as waiting meanwhile.
    private static readonly TimeSpan StillWaiting = TimeSpan.FromSeconds(15);

    private readonly ArchiveView _view;
    private readonly SegmentFlow _flow;
    private readonly RestoreRecord _record;
    private readonly PrefetchLog _log;
    private readonly FileSystemWatcher? _folder;
    private readonly TimeSpan _lookWhileWaiting;
    private readonly Pulse _folderChanged = new();
    private int _failures;

    /// <summary>A watch over the archive of a flow.</summary>
    public ArchiveWatch(ArchiveView view, SegmentFlow flow, RestoreRecord record, string? folder, PrefetchLog log)
    {
        _view = view;
        _flow = flow;
        _record = record;
        _log = log;
        IsFolder = folder is not null;
        _lookWhileWaiting = folder is null ? LookAtBucket : LookAtFolder;
        _folder = folder is null ? null : WatchFolder(Path.Combine(folder, SegmentStore.Folder.TrimEnd('/')));
    }

    /// <summary>Why nobody knows all that the archive holds; null while it can be reached and read.</summary>
    public Exception? Trouble { get; private set; }

    /// <summary>Whether the archive is a folder: then a look at a name costs microseconds, not a round trip.</summary>
    public bool IsFolder { get; }

    /// <summary>Whether the archive was listed at least once.</summary>
    public bool HasListed { get; private set; }

    /// <summary>Since when a segment is missing although a later one is there; null when none is.</summary>
    public DateTime? GapSince { get; private set; }

    /// <summary>Raised with each failure to reach the archive.</summary>
    public event Action<Exception>? Failed;

    /// <summary>Watches until cancelled.</summary>
    public Task RunAsync(CancellationToken cancel) => Task.WhenAll(LookAsync(cancel), ListAsync(cancel));

    /// <inheritdoc/>
    public void Dispose() => _folder?.Dispose();

    private async Task LookAsync(CancellationToken cancel)
    {
        while (true)
        {
            var change = Task.WhenAny(_folderChanged.Next, _flow.Missed.Next);
            bool waiting = DateTime.UtcNow - _flow.LastWanted < StillWaiting;
            await AttemptAsync(async () =>
            {
                bool found = false;
                foreach (var name in _flow.Missing())
                {
                    found |= await _view.ProbeAsync(name, cancel);
                }

                if (found)
                {
                    _flow.Changed.Beat();
                }
            }, cancel);
            _ = await Pulse.WaitAsync(change, PauseAfterFailures() ?? (waiting ? _lookWhileWaiting : LookIdly), cancel);
        }
    }

    private async Task ListAsync(CancellationToken cancel)
    {
        while (true)
        {
            long started = Environment.TickCount64;
            await AttemptAsync(async () =>
            {
                await ListOnceAsync(cancel);
                Trouble = null;
                _flow.Changed.Beat();
            }, cancel);

            // A folder with a hundred thousand segments takes a while to list; it is not listed all the time.
            var pause = TimeSpan.FromMilliseconds(Math.Max(ListEvery.TotalMilliseconds, 20 * (Environment.TickCount64 - started)));
            await Task.Delay(PauseAfterFailures() ?? pause, cancel);
        }
    }

    private async Task ListOnceAsync(CancellationToken cancel)
    {
        await ListSegmentsAsync(cancel);
        HasListed = true;
        uint first = WalSegmentName.Parse(_record.StartSegment).Timeline;
        bool isNew = first > 1 && _view.HistoryOf(first) is null && await _view.FindHistoryAsync(first, cancel) is not null;
        if (await _view.ListTimelinesAsync(first, cancel) || isNew)
        {
            _log.Write($"The archive holds the history of timeline {_view.TimelinesNewestFirst.First()}.");
            _flow.HistoryAppeared();
            await ListSegmentsAsync(cancel);
        }

        var report = _flow.Report();
        bool isGap = false;
        if (report.Frontier is { } frontier && (report.LaterThanFrontier is not null || report.LastPlaced is null))
        {
            isGap = !await _view.LookAgainAsync(frontier, cancel) && (report.LaterThanFrontier is not null || frontier.ToString() == _record.StartSegment);
        }

        GapSince = isGap ? GapSince ?? DateTime.UtcNow : null;
        if (report.Frontier is not null && await _view.IsEmptyAsync(cancel))
        {
            throw new MigrationException("ArchiveEmpty", MigrationErrorKind.Connection,
                $"{_view.Storage.Url} holds no WAL at all. Expected {report.LastInArchive ?? report.Next} and what follows: check that the disk is mounted and the prefix is right.");
        }
    }

    private async Task ListSegmentsAsync(CancellationToken cancel)
    {
        foreach (var start in _flow.ListingStarts())
        {
            await _view.ListSegmentsAsync(start, _record.SegmentSize, _flow.Changed.Beat, cancel);
        }
    }

    // Trouble is told by status and log, and ends with the next success of a listing.
    private async Task AttemptAsync(Func<Task> attempt, CancellationToken cancel)
    {
        try
        {
            await attempt();
            _failures = 0;
        }
        catch (Exception error) when (error is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            _failures++;
            if (Trouble?.Message != error.Message)
            {
                _log.Write(error.Message);
            }

            Trouble = error;
            Failed?.Invoke(error);
            _flow.Changed.Beat();
        }
    }

    private TimeSpan? PauseAfterFailures() => _failures == 0 ? null : TimeSpan.FromMilliseconds(Math.Min(LongestPause.TotalMilliseconds, 250 << Math.Min(_failures, 8)));

    private FileSystemWatcher? WatchFolder(string folder)
    {
        try
        {
            var watcher = new FileSystemWatcher(folder) { NotifyFilter = NotifyFilters.FileName };
            watcher.Created += (_, _) => _folderChanged.Beat();
            watcher.Renamed += (_, _) => _folderChanged.Beat();
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception error) when (error is ArgumentException or IOException)
        {
            _log.Write($"{folder} cannot be watched ({error.Message}); it is looked at every {LookAtFolder.TotalMilliseconds} ms.");
            return null;
        }
    }
}
