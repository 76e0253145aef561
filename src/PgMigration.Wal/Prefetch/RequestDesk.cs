using System.Text;

namespace PgMigration.Wal;

/// <summary>Answers what restore_command asks: <c>ready path</c>, <c>use-own</c> or <c>none</c>.</summary>
internal sealed class RequestDesk(ArchiveView view, ArchiveWatch watch, SegmentFlow flow, StuckReplay stuck, PrefetchLog log)
{
    /// <summary>PostgreSQL has it already, checked by us before.</summary>
    public const string UseOwn = "use-own";

    /// <summary>It is not there, or may not be had.</summary>
    public const string None = "none";

    /// <summary>How long a request is held for a segment that is not there yet: a standby looks at its signals between two requests.</summary>
    public static readonly TimeSpan LongestHold = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan FirstListing = TimeSpan.FromSeconds(3);

    // Of a promotion: each request that is held is downtime. What is not known to be there is looked for so long; what is known to be there
    // must be replayed, and is waited for as long as something comes.
    private static readonly TimeSpan LookWhilePromoting = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan SilenceWhilePromoting = TimeSpan.FromSeconds(1);

    // restore_command hears of a prefetcher that says nothing as one that hangs.
    private static readonly TimeSpan LongestLookForHistory = TimeSpan.FromSeconds(5);

    private static readonly Task Never = new TaskCompletionSource().Task;
    private WalSegmentName _refusedOnce;
    private volatile bool _isMute;

    /// <summary>Answers one request. Cancelled when the one who asked has gone.</summary>
    public async Task<string> AnswerAsync(PrefetchRequest request, CancellationToken cancel)
    {
        _isMute &= request.Now.IsCompleted;
        if (TimelineHistory.TryParseFileName(request.File, out uint timeline))
        {
            return await AnswerHistoryAsync(timeline, request.Now, cancel);
        }

        if (!WalSegmentName.TryParse(request.File, out var segment) || !flow.MayHave(segment, request.OldestNeeded))
        {
            return None;
        }

        if (stuck.IsStuckAt(segment))
        {
            return await stuck.AnswerAsync(segment, request.Now, cancel);
        }

        string answer = await AnswerSegmentAsync(segment, request, cancel);
        stuck.Answered(segment, answer);
        return answer;
    }

    private async Task<string> AnswerSegmentAsync(WalSegmentName segment, PrefetchRequest request, CancellationToken cancel)
    {
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
        long? promotedAt = null;
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

            var left = TimeSpan.FromMilliseconds(Math.Max(1, end - Environment.TickCount64));
            if (!request.Now.IsCompleted)
            {
                _ = await Pulse.WaitAsync(Task.WhenAny(change, request.Now), left, cancel);
                continue;
            }

            promotedAt ??= Environment.TickCount64;
            if (view.ObjectOf(segment) is null)
            {
                if (looked)
                {
                    return None;
                }

                looked = true;
                await LookOnceMoreAsync(segment, cancel);
            }
            else
            {
                long silentSince = Math.Max(promotedAt.Value, flow.ProgressOf(segment) ?? 0);
                var patience = SilenceWhilePromoting - TimeSpan.FromMilliseconds(Environment.TickCount64 - silentSince);
                if (patience <= TimeSpan.Zero)
                {
                    log.Write($"{segment}: the archive holds it, but nothing of it came for {SilenceWhilePromoting.TotalSeconds} s, and the server is being promoted: it is promoted without.");
                    return None;
                }

                _ = await Pulse.WaitAsync(change, patience, cancel);
            }
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

    private async Task<string> AnswerHistoryAsync(uint timeline, Task now, CancellationToken cancel)
    {
        if (view.KnownHistoryFile(timeline) is { } known)
        {
            return flow.HandOutHistory(timeline, known);
        }

        // A history newer than all that the last listing showed, two seconds ago, is not there: at a promotion PostgreSQL asks for
        // the next ones, and each look would be downtime. Before the first listing, and in trouble, nothing is known.
        if (watch.HasListed && watch.Trouble is null && timeline > view.TimelinesNewestFirst.FirstOrDefault() && timeline > flow.NewestTimeline)
        {
            return None;
        }

        byte[]? content = null;
        await LookAsync(TimelineHistory.FileName(timeline), LongestLookForHistory, now, async token => content = await view.HistoryFileAsync(timeline, token), cancel);
        if (content is null && view.HistoryOf(flow.NewestTimeline)?.StandInFor(timeline) is { } standIn)
        {
            log.Write($"{TimelineHistory.FileName(timeline)} is not in the archive, and timeline {flow.NewestTimeline} is to be followed: PostgreSQL is told what that one's history says of it.");
            content = Encoding.UTF8.GetBytes(standIn);
        }

        return content is null ? None : flow.HandOutHistory(timeline, content);
    }

    private Task LookOnceMoreAsync(WalSegmentName segment, CancellationToken cancel) =>
        LookAsync(segment.ToString(), watch.HasListed ? LookWhilePromoting : FirstListing, Never, async token =>
        {
            _ = watch.HasListed ? await view.ProbeAsync(segment, token) : await view.LookAgainAsync(segment, token);
            flow.Changed.Beat();
        }, cancel);

    // One look at the archive, which ends in time even when the archive says nothing. During a promotion, that is not tried twice.
    private async Task LookAsync(string file, TimeSpan atMost, Task now, Func<CancellationToken, Task> look, CancellationToken cancel)
    {
        if (_isMute)
        {
            return;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        try
        {
            limit.CancelAfter(now.IsCompleted ? LookWhilePromoting : atMost);
            var looking = look(limit.Token);
            if (await Task.WhenAny(looking, now) == now && !looking.IsCompleted)
            {
                limit.CancelAfter(LookWhilePromoting);
            }

            await looking;
        }
        catch (Exception error) when (!cancel.IsCancellationRequested)
        {
            _isMute = limit.IsCancellationRequested;
            log.Write($"{file}: {(error is OperationCanceledException ? "the archive does not answer." : error.Message)}");
        }
    }
}
