using System.Globalization;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>What is known about a WAL link beside SQL, on the machine of the target: its prefetcher's status, its log, its process.</summary>
/// <remarks>On any other machine nothing is known, and every answer is null.</remarks>
internal sealed record WalLinkSurroundings
{
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(45);

    /// <summary>Why replay is paused, from the log.</summary>
    public string? PauseReason => Log.InsufficientSettings;

    /// <summary>What keeps WAL from arriving; null when nothing is known to.</summary>
    public string? Trouble { get; private init; }

    private bool IsLocal { get; init; }

    private bool IsRunning { get; init; }

    private ServerLog Log { get; init; } = new();

    private PrefetchStatus? Status { get; init; }

    /// <summary>Looks around.</summary>
    public static WalLinkSurroundings Of(WalLink link)
    {
        if (link.LocalLayout() is not { } layout)
        {
            return new WalLinkSurroundings();
        }

        var log = ServerLog.Read(Path.Combine(layout.DataDirectory, LocalServer.LogFileName));
        var status = PrefetchStatus.Read(layout);
        return new WalLinkSurroundings
        {
            IsLocal = true,
            IsRunning = LocalServer.ReadProcessId(layout.DataDirectory) is not null,
            Status = status,
            Log = log,
            Trouble = TroubleOf(status),
        };
    }

    /// <summary>Why the link can never go on; null when nothing says so.</summary>
    /// <param name="source">The source, and null if nobody asked it.</param>
    /// <param name="sameTimeline">Whether it is on the timeline that the target replays.</param>
    /// <param name="target">The target, and null if it did not answer.</param>
    public string? Broken(SourcePosition? source, bool sameTimeline, StandbyPosition? target = null) =>
        Log.Forked is { } forked && !IsStray(source, sameTimeline) ? $"{forked}. {Log.ForkedRemedy}"
        : source is not null && target is not null ? BeyondFork(source, target) : null;

    /// <summary>A warning of a history in the archive that is not the source's: harmless to replay, but no server starts with it.</summary>
    /// <inheritdoc cref="Broken(SourcePosition?, bool, StandbyPosition?)"/>
    public string? StrayHistory(SourcePosition? source, bool sameTimeline) => Log.ForkedHistory is { } history && IsStray(source, sameTimeline)
        ? $"{SegmentStore.Folder}{history} in the archive is not of the source, which is on timeline {source!.Timeline.ToString(CultureInfo.InvariantCulture)}. Replay goes on, but the server would not start again: remove it, and pg_wal/{history} in the data directory."
        : null;

    /// <summary>The lag when the target does not answer.</summary>
    public ReplicationLag WithoutAnswer(Exception error)
    {
        var (state, detail) = !IsLocal ? (LinkState.Stalled, $"The target does not answer: {error.Message}")
            : Broken(null, false) is { } broken ? (LinkState.Broken, broken)
            : !IsRunning ? (LinkState.Stopped, Log.LastError is null ? "The target's server does not run." : $"The target's server does not run; its log ends with: {Log.LastError}")
            : Trouble is not null ? (LinkState.Stalled, Trouble)
            : (LinkState.Preparing, $"The target does not accept connections yet: {error.Message}");
        return new ReplicationLag { State = state, Detail = detail, MeasuredAt = DateTime.UtcNow };
    }

    /// <summary>Whether the archive is known to hold a whole segment that begins behind what the target has replayed.</summary>
    public bool HasSegmentBeyond(StandbyPosition target) =>
        Status?.LastInArchive is { } last && WalSegmentName.TryParse(last, out var segment) && target.Replayed is { } replayed && replayed < segment.Start(target.SegmentSize);

    /// <summary>Whether the archive is known to hold more than the target has replayed; null when that is not known.</summary>
    public bool? HasMore(StandbyPosition target)
    {
        if (Status is not { State: not (PrefetchState.Starting or PrefetchState.Stopped) } status || target.Replayed is null)
        {
            return null;
        }

        return status.State == PrefetchState.Fetching || HasSegmentBeyond(target);
    }

    // The archive's histories tell it at once; the server's log, when replay has come to the archive's end, and only until it has grown on.
    private string? BeyondFork(SourcePosition source, StandbyPosition target) =>
        target.Timeline is { } timeline && timeline < source.Timeline && target.Replayed is { } replayed && Status is not null
        && TimelineFork.Between([.. Status.Forks], timeline, source.Timeline) is { } left && replayed > left
            ? $"The source went on along timeline {source.Timeline.ToString(CultureInfo.InvariantCulture)}, which left timeline {timeline.ToString(CultureInfo.InvariantCulture)} at {left}, and the target has replayed that one up to {replayed}: what it holds beyond {left} is not the source's. Restore anew from a backup of the source as it is now."
            : null;

    // A source that was promoted is on the timeline that the log names, or on a later one that the target does not replay.
    private bool IsStray(SourcePosition? source, bool sameTimeline) => source is not null && sameTimeline && source.Timeline != Log.ForkedTimeline;

    private static string? TroubleOf(PrefetchStatus? status)
    {
        if (status is null)
        {
            return null;
        }

        if (status.IsTrouble)
        {
            return status.Detail;
        }

        var age = DateTimeOffset.UtcNow - status.UpdatedAt;
        return age > Freshness
            ? string.Create(CultureInfo.InvariantCulture, $"The prefetcher has said nothing for {age.TotalSeconds:0} s; its log is {RestoreLayout.FolderName}/prefetch.log in the data directory.")
            : null;
    }
}
