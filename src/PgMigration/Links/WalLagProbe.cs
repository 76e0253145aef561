using System.Net.Sockets;
using Npgsql;

namespace PgMigration;

/// <summary>Measures a WAL link: what both servers say, and on the machine of the target what its prefetcher and its log say.</summary>
internal sealed class WalLagProbe
{
    private static readonly TimeSpan StandstillLimit = TimeSpan.FromMinutes(2);

    private readonly Lock _lock = new();
    private Lsn? _lastReplayed;
    private DateTime _lastMoved;

    /// <summary>Measures now: the source first, so that what the target has replayed by then is never overstated.</summary>
    public async Task<ReplicationLag> MeasureAsync(WalLink link, CancellationToken cancel)
    {
        var source = link.Source is null ? null : await SourcePosition.ReadAsync(link.Source, link.SystemIdentifier, link.Archive, cancel);
        var local = WalLinkSurroundings.Of(link);
        StandbyPosition target;
        try
        {
            target = await StandbyPosition.ReadAsync(link.Target, cancel);
        }
        catch (Exception error) when (IsUnanswered(error))
        {
            return local.WithoutAnswer(error) with { SourceLsn = source?.Inserted };
        }

        return target.SystemIdentifier == link.SystemIdentifier
            ? Judge(source, target, local)
            : throw new MigrationException("TargetOfOtherCluster", MigrationErrorKind.InvalidData,
                $"The server at {link.Target} has the system identifier {target.SystemIdentifier}, and the link is about {link.SystemIdentifier}. Another server answers at that address.");
    }

    private ReplicationLag Judge(SourcePosition? source, StandbyPosition target, WalLinkSurroundings local)
    {
        bool comparable = source is not null && (target.Timeline is null || target.Timeline == source.Timeline);
        long? bytes = comparable && target.Replayed is { } replayed ? Math.Max(0, source!.Inserted - replayed) : null;

        // Each server's snapshot names the transactions that are completed for it. When neither has open ones and both end at the same
        // number, nothing committed on the source is missing here: what lies between the positions is housekeeping.
        bool nothingMissing = comparable && (bytes == 0
            || (source!.OpenFrom == source.CompletedTo && target.OpenFrom == target.CompletedTo && source.CompletedTo == target.CompletedTo));
        var (state, detail) = State(source, target, local, comparable, bytes, nothingMissing);
        bool flows = state is LinkState.Following or LinkState.CatchingUp;
        return new ReplicationLag
        {
            SourceLsn = source?.Inserted,
            TargetLsn = target.Replayed,
            Bytes = bytes,
            Time = nothingMissing && flows ? TimeSpan.Zero : comparable || source is null ? target.CommitAge : null,
            State = state,
            Detail = detail,
            MeasuredAt = DateTime.UtcNow,
        };
    }

    private (LinkState State, string? Detail) State(
        SourcePosition? source, StandbyPosition target, WalLinkSurroundings local, bool comparable, long? bytes, bool nothingMissing)
    {
        bool standsStill = StandsStill(target);
        if (!target.InRecovery)
        {
            return (LinkState.Promoted, "The target was promoted; it follows no more.");
        }

        if (local.Broken is { } broken)
        {
            return (LinkState.Broken, broken);
        }

        if (target.Paused)
        {
            return (LinkState.Stalled, local.PauseReason ?? "Replay is paused: by pg_wal_replay_pause(), or because a setting is smaller than the source's; the target's log tells.");
        }

        if (local.Trouble is { } trouble)
        {
            return (LinkState.Stalled, trouble);
        }

        if (source is not null && !comparable)
        {
            return (LinkState.CatchingUp, $"The source is on timeline {source.Timeline}, the target still on {target.Timeline}: their positions cannot be compared until the target has followed.");
        }

        if (standsStill && !nothingMissing && bytes >= 2L * target.SegmentSize)
        {
            return (LinkState.Stalled, "The target has replayed nothing for two minutes although the source is more than two segments ahead: look at the source's archiver and at the target's log.");
        }

        string? detail = source is null ? "The source was not asked: -Source measures the distance." : null;
        bool behind = local.HasMore(target) ?? (!nothingMissing && bytes >= 2L * target.SegmentSize);
        return (behind ? LinkState.CatchingUp : LinkState.Following, detail);
    }

    private bool StandsStill(StandbyPosition target)
    {
        lock (_lock)
        {
            if (_lastReplayed != target.Replayed)
            {
                _lastReplayed = target.Replayed;
                _lastMoved = DateTime.UtcNow;
            }

            return DateTime.UtcNow - _lastMoved > StandstillLimit;
        }
    }

    private static bool IsUnanswered(Exception error) => error switch
    {
        PostgresException refused => refused.SqlState is PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown,
        NpgsqlException or SocketException or TimeoutException => true,
        MigrationException { Kind: MigrationErrorKind.Connection } => true,
        _ => error.InnerException is { } inner && IsUnanswered(inner),
    };
}
