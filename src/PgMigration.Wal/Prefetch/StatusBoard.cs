namespace PgMigration.Wal;

/// <summary>Says what the prefetcher knows in <c>prefetch.status</c>: at once when its state changes, else at most once a second.</summary>
internal sealed class StatusBoard(RestoreLayout layout, SegmentFlow flow, StuckReplay stuck, ArchiveWatch watch, ArchiveView view)
{
    private static readonly TimeSpan AtMost = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AtLeast = TimeSpan.FromSeconds(5);

    // Archivers store several segments at the same time: a later one may come first, by a moment.
    private static readonly TimeSpan GapIsOne = TimeSpan.FromSeconds(3);
    private PrefetchStatus? _written;
    private IReadOnlyList<TimelineFork> _forks = []; // the same list while nothing changed, so that statuses compare

    /// <summary>Writes until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        while (true)
        {
            var change = flow.Changed.Next;
            var status = Describe();
            var age = status.UpdatedAt - (_written?.UpdatedAt ?? DateTimeOffset.MinValue);
            bool differs = _written is null || status != _written with { UpdatedAt = status.UpdatedAt };
            if (status.State != _written?.State || (differs && age >= AtMost) || age >= AtLeast)
            {
                Write(status);
                differs = false;
            }

            _ = differs
                ? await Pulse.WaitAsync(Task.Delay(AtMost, cancel), AtMost, cancel)
                : await Pulse.WaitAsync(change, AtMost, cancel);
        }
    }

    /// <summary>The first word: who asks for the process id finds it as soon as somebody listens.</summary>
    public void WriteStarting() => Write(Describe());

    /// <summary>The last word.</summary>
    public void WriteStopped(string reason) => Write(Describe() with { State = PrefetchState.Stopped, Detail = $"The prefetcher has ended: {reason}." });

    private void Write(PrefetchStatus status)
    {
        try
        {
            status.Write(layout);
            _written = status;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A full disk, or the directory goes away: the next one may succeed.
        }
    }

    private PrefetchStatus Describe()
    {
        var report = flow.Report();
        var (state, detail) = Judge(report);
        return new PrefetchStatus
        {
            State = state,
            Detail = detail,
            LastInArchive = report.LastInArchive?.ToString(),
            LastPlaced = report.LastPlaced?.ToString(),
            NextSegment = report.Next.ToString(),
            Forks = _forks.Count == view.TimelinesNewestFirst.Count() ? _forks : _forks = [.. view.TimelinesNewestFirst.Select(ForkOf)],
            NewestTimeline = view.TimelinesNewestFirst.Cast<uint?>().FirstOrDefault(),
            PoolBytes = report.PoolBytes,
            UpdatedAt = DateTimeOffset.UtcNow,
            ProcessId = Environment.ProcessId,
        };
    }

    private TimelineFork ForkOf(uint timeline)
    {
        var (parent, at) = view.HistoryOf(timeline)!.Ancestors[^1];
        return new TimelineFork(timeline, parent, at.ToString());
    }

    private (PrefetchState State, string Detail) Judge(FlowReport report) => report switch
    {
        _ when stuck.Failure is { } failure => (failure.State, failure.Message),
        { Failure: { } failure } => (failure.State, failure.Message),
        _ when watch.Trouble is { } trouble => (FetchFailure.StateOf(trouble), trouble.Message),
        _ when !watch.HasListed => (PrefetchState.Starting, "The archive is being looked at."),
        { Frontier: { } frontier } when watch.GapSince is { } since && DateTime.UtcNow - since >= GapIsOne => (PrefetchState.Gap, GapDetail(frontier, report)),
        { Frontier: { } frontier, Fetching: 0 } => (PrefetchState.CaughtUp, $"Everything in the archive was fetched; {frontier} is awaited."),
        _ => (PrefetchState.Fetching, $"Fetching behind {report.Next}."),
    };

    private static string GapDetail(WalSegmentName frontier, FlowReport report) => report.LaterThanFrontier is { } later
        ? $"The archive does not hold {frontier} although it holds {later}: replay ends before it. Archive that segment again; it is looked for all the time."
        : $"The archive does not hold {frontier}, with which the backup's WAL begins. Check that the prefix is the backup's own.";
}
