using System.Globalization;
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
        var (source, unreachable) = await AskSourceAsync(link, cancel);
        var local = WalLinkSurroundings.Of(link);
        StandbyPosition target;
        try
        {
            target = await StandbyPosition.ReadAsync(link.Target, cancel);
        }
        catch (Exception error) when (IsUnanswered(error))
        {
            var lag = local.WithoutAnswer(error);
            return lag with { SourceLsn = source?.Inserted, Detail = Join(lag.Detail, unreachable) };
        }

        return target.SystemIdentifier != link.SystemIdentifier
            ? throw new MigrationException("TargetOfOtherCluster", MigrationErrorKind.InvalidData,
                $"The server at {link.Target} has the system identifier {target.SystemIdentifier}, and the link is about {link.SystemIdentifier}. Another server answers at that address.")
            : unreachable is null ? Judge(source, target, local) : WithoutSource(Judge(null, target, local), unreachable);
    }

    /// <summary>Where the source is; else why it cannot be reached, which may be so for a moment. What does not pass by itself is thrown.</summary>
    private static async Task<(SourcePosition? Position, string? Unreachable)> AskSourceAsync(WalLink link, CancellationToken cancel)
    {
        try
        {
            return (link.Source is null ? null : await SourcePosition.ReadAsync(link.Source, link.SystemIdentifier, link.Archive, cancel), null);
        }
        catch (Exception error) when (IsUnanswered(error))
        {
            return (null, $"The source cannot be asked how far it is. {error.Message}");
        }
    }

    /// <summary>The target's half: how far it is, and no distance, be it in time: nobody knows what the source has committed meanwhile.</summary>
    private static ReplicationLag WithoutSource(ReplicationLag target, string unreachable) => target with
    {
        Time = null,
        State = target.State is LinkState.Following or LinkState.CatchingUp ? LinkState.Stalled : target.State,
        Detail = target.State is LinkState.Following or LinkState.CatchingUp ? unreachable : Join(target.Detail, unreachable),
    };

    /// <summary>Puts together what both servers and the surroundings say.</summary>
    internal ReplicationLag Judge(SourcePosition? source, StandbyPosition target, WalLinkSurroundings local)
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
            Detail = Join(detail, local.StrayHistory(source, comparable)),
            MeasuredAt = DateTime.UtcNow,
        };
    }

    private (LinkState State, string? Detail) State(
        SourcePosition? source, StandbyPosition target, WalLinkSurroundings local, bool comparable, long? bytes, bool nothingMissing)
    {
        var standing = StandsFor(target);
        if (!target.InRecovery)
        {
            return (LinkState.Promoted, "The target was promoted; it follows no more.");
        }

        if (local.Broken(source, comparable, target) is { } broken)
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

        if (standing > StandstillLimit && !nothingMissing && (local.HasSegmentBeyond(target) || bytes >= 2L * target.SegmentSize))
        {
            return (LinkState.Stalled, string.Create(CultureInfo.InvariantCulture, $"The target has replayed nothing for {standing.TotalMinutes:0} minutes although {(local.HasSegmentBeyond(target) ? "the archive holds more: look at the target's log" : "the source is more than two segments ahead: look at the source's archiver")}."));
        }

        string? detail = source is null ? "The source was not asked: -Source measures the distance." : null;
        bool behind = local.HasMore(target) ?? (!nothingMissing && bytes >= 2L * target.SegmentSize);
        return (behind ? LinkState.CatchingUp : LinkState.Following, detail);
    }

    /// <summary>For how long replay has not moved: as we saw it, and before we looked, as the segment's file tells.</summary>
    private TimeSpan StandsFor(StandbyPosition target)
    {
        lock (_lock)
        {
            if (_lastReplayed != target.Replayed)
            {
                _lastMoved = DateTime.UtcNow - (_lastReplayed is null ? target.InSegmentFor ?? TimeSpan.Zero : TimeSpan.Zero);
                _lastReplayed = target.Replayed;
            }

            return DateTime.UtcNow - _lastMoved;
        }
    }

    private static string? Join(string? detail, string? more) => detail is null ? more : more is null ? detail : $"{detail} {more}";

    private static bool IsUnanswered(Exception error) => error switch
    {
        PostgresException refused => refused.SqlState is PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown
            or PostgresErrorCodes.TooManyConnections or PostgresErrorCodes.SerializationFailure, // the last: replay ended our question
        MigrationException { ErrorId: "TlsCertificateRejected" or "TlsRefused" } => false, // does not pass by itself
        NpgsqlException or SocketException or TimeoutException => true,
        MigrationException { Kind: MigrationErrorKind.Connection } => true,
        _ => error.InnerException is { } inner && IsUnanswered(inner),
    };
}
