namespace PgMigration.Wal;

/// <summary>
/// The resident program beside a restored server: it keeps the next segments of the archive checked and ready in a pool, and answers what
/// restore_command asks on a socket in the data directory. One runs for each data directory.
/// </summary>
/// <remarks>
/// A segment's way: <see cref="ArchiveWatch"/> sees it in the <see cref="ArchiveView"/>, <see cref="SegmentFlow"/> lets
/// <see cref="SegmentFetch"/> bring it into the <see cref="SegmentPool"/>, <see cref="RequestDesk"/> hands it out.
/// It ends when cancelled, when the server has been promoted, and when the data directory is gone.
/// </remarks>
public sealed class Prefetcher
{
    private static readonly TimeSpan LookAtServerEvery = TimeSpan.FromSeconds(1);

    // A link of days lives through outages: attempts are short, so that the status tells the trouble soon, and never end.
    private static readonly TransferLimits Limits = new()
    {
        IdleLimit = TimeSpan.FromSeconds(10), RetryBudget = TimeSpan.FromSeconds(8), FirstContactBudget = TimeSpan.FromSeconds(4),
    };

    private readonly RestoreLayout _layout;
    private readonly PrefetchLog _log;

    /// <summary>A prefetcher of a data directory that was, or is being, restored.</summary>
    public Prefetcher(RestoreLayout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        _layout = layout;
        _log = new PrefetchLog(layout.LogFile);
    }

    /// <summary>Runs until there is no more to do. The reason is in the log and in <see cref="PrefetchStatus"/>.</summary>
    /// <exception cref="MigrationException">
    /// <c>PrefetcherAlreadyRuns</c>; <c>RestoreRecordInvalid</c>, <c>ArchiveFileInvalid</c> when the data directory's files are not right.
    /// </exception>
    public async Task RunAsync(CancellationToken cancel)
    {
        using var only = TakeLock();
        try
        {
            var record = RestoreRecord.Load(_layout.RecordFile);
            var access = ArchiveAccess.Load(_layout.ArchiveFile);
            using var storage = ArchiveStorage.Open(access, Limits);
            _log.Write($"Fetching from {access} behind {record.StartSegment}.");
            string reason = await RunAsync(record, access, storage, cancel);
            _log.Write($"Ends: {reason}.");
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            _log.Write($"Ends: {error.Message}");
            throw;
        }
    }

    private async Task<string> RunAsync(RestoreRecord record, ArchiveAccess access, IArchiveStorage storage, CancellationToken cancel)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var view = new ArchiveView(storage);
        var flow = new SegmentFlow(_layout, record, view, _log);
        using var watch = new ArchiveWatch(view, flow, record, access.Location.Folder, _log);
        using var credentials = new CredentialRenewal(_layout, view, Limits, _log);
        watch.Failed += credentials.After;
        flow.Failed += credentials.After;
        var stuck = new StuckReplay(_layout, record, view, flow, _log);
        var board = new StatusBoard(_layout, flow, stuck, watch, view);
        board.WriteStarting();
        using var promotion = new PromotionWatch(_layout, _log);
        using var server = new PrefetchServer(_layout, new RequestDesk(view, watch, flow, stuck, _log), promotion, _log);
        Task<string>[] tasks =
        [
            UntilServerNeedsNoMoreAsync(ending.Token), NeverEnds(flow.RunAsync(ending.Token)), NeverEnds(watch.RunAsync(ending.Token)),
            NeverEnds(server.RunAsync(ending.Token)), NeverEnds(board.RunAsync(ending.Token)),
        ];
        var ended = await Task.WhenAny(tasks);
        await ending.CancelAsync();
        await Task.WhenAll(tasks).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        string reason = cancel.IsCancellationRequested ? "it was told to" : ended.IsFaulted ? ended.Exception.GetBaseException().Message : await ended;
        board.WriteStopped(reason);
        return ended.IsFaulted && !cancel.IsCancellationRequested ? await ended : reason;
    }

    private static async Task<string> NeverEnds(Task task)
    {
        await task;
        return "a part of it ended";
    }

    private async Task<string> UntilServerNeedsNoMoreAsync(CancellationToken cancel)
    {
        while (true)
        {
            if (ServerWatch.ReasonToEnd(_layout) is { } reason)
            {
                return reason;
            }

            await Task.Delay(LookAtServerEvery, cancel);
        }
    }

    // .NET opens a file that it does not share with flock(LOCK_EX | LOCK_NB); the lock goes with the process, however it dies.
    private FileStream TakeLock()
    {
        try
        {
            return new FileStream(_layout.LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error) when (error is not (FileNotFoundException or DirectoryNotFoundException))
        {
            throw new MigrationException("PrefetcherAlreadyRuns", MigrationErrorKind.InvalidOperation,
                $"Another prefetcher runs for {_layout.DataDirectory}: it holds the lock on '{_layout.LockFile}'.", error);
        }
    }
}
