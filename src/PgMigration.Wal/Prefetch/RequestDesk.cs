namespace PgMigration.Wal;

/// <summary>Answers what restore_command asks: <c>ready path</c>, <c>use-own</c> or <c>none</c>.</summary>
internal sealed class RequestDesk(ArchiveView view, ArchiveWatch watch, SegmentFlow flow, PrefetchLog log)
{
    /// <summary>PostgreSQL has it already, checked by us before.</summary>
    public const string UseOwn = "use-own";

    /// <summary>It is not there, or may not be had.</summary>
    public const string None = "none";

    /// <summary>How long a request is held for a segment that is not there yet: a standby looks at its signals between two requests.</summary>
    public static readonly TimeSpan LongestHold = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan FirstListing = TimeSpan.FromSeconds(3);

    private WalSegmentName _refusedOnce;

    /// <summary>Answers one request. Cancelled when the one who asked has gone.</summary>
    public async Task<string> AnswerAsync(PrefetchRequest request, CancellationToken cancel)
    {
        if (WalSegmentName.TryParse(request.File, out var segment))
        {
            return await AnswerSegmentAsync(segment, request, cancel);
        }

        return TimelineHistory.TryParseFileName(request.File, out uint timeline) ? await AnswerHistoryAsync(timeline, cancel) : None;
    }

    private async Task<string> AnswerSegmentAsync(WalSegmentName segment, PrefetchRequest request, CancellationToken cancel)
    {
        if (!flow.MayHave(segment, request.OldestNeeded))
        {
            return None;
        }

        if (flow.TryHandOut(segment) is { } atOnce)
        {
            return atOnce;
        }

        if (await MustReplayFirstAsync(segment, cancel))
        {
            return None;
        }

        // A promotion appears here: what is in the archive is still waited for, what is not there is not.
        using var want = flow.Want(segment);
        long end = Environment.TickCount64 + (long)LongestHold.TotalMilliseconds;
        bool looked = false;
        while (Environment.TickCount64 < end)
        {
            var change = flow.Changed.Next;
            if (flow.TryHandOut(segment) is { } answer)
            {
                return answer;
            }

            if (flow.MustGiveWay(segment))
            {
                return None;
            }

            if (request.Now.IsCompleted && view.ObjectOf(segment) is null)
            {
                if (looked)
                {
                    return None;
                }

                looked = true;
                await LookOnceMoreAsync(segment, cancel);
                continue;
            }

            var left = TimeSpan.FromMilliseconds(Math.Max(1, end - Environment.TickCount64));
            _ = await Pulse.WaitAsync(request.Now.IsCompleted ? change : Task.WhenAny(change, request.Now), left, cancel);
        }

        return None;
    }

    // From version 15 on PostgreSQL reads ahead: it asks for the next segment while the records before it are decoded and not yet replayed,
    // and goes on with them only when restore_command has returned (XLogPageRead, nonblocking). Held at once, the last records of each
    // segment would be replayed ten seconds late. So the first request for what is not there is refused, and the next one is held.
    private async Task<bool> MustReplayFirstAsync(WalSegmentName segment, CancellationToken cancel)
    {
        if (!watch.HasListed || segment == _refusedOnce || view.ObjectOf(segment) is not null
            || (watch.IsFolder && watch.Trouble is null && await view.ProbeAsync(segment, cancel)))
        {
            return false;
        }

        _refusedOnce = segment;
        return true;
    }

    private async Task<string> AnswerHistoryAsync(uint timeline, CancellationToken cancel)
    {
        try
        {
            // A history newer than all that the last listing showed, two seconds ago, is not there: at a promotion PostgreSQL asks for
            // the next ones, and each look would be downtime. Before the first listing, and in trouble, nothing is known.
            bool isKnownToLack = watch.HasListed && watch.Trouble is null && timeline > view.TimelinesNewestFirst.FirstOrDefault() && timeline > flow.NewestTimeline;
            return !isKnownToLack && await view.HistoryFileAsync(timeline, cancel) is { } content ? flow.HandOutHistory(timeline, content) : None;
        }
        catch (MigrationException error)
        {
            log.Write($"{timeline:X8}.history: {error.Message}");
            return None;
        }
    }

    private async Task LookOnceMoreAsync(WalSegmentName segment, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(FirstListing);
        try
        {
            _ = watch.HasListed ? await view.ProbeAsync(segment, limit.Token) : await view.LookAgainAsync(segment, limit.Token);
            flow.Changed.Beat();
        }
        catch (Exception error) when (!cancel.IsCancellationRequested)
        {
            log.Write($"{segment}: {error.Message}");
        }
    }
}
