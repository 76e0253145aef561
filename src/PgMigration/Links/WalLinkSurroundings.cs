using System.Globalization;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>What is known about a WAL link beside SQL, on the machine of the target: its prefetcher's status, its log, its process.</summary>
/// <remarks>On any other machine nothing is known, and every answer is null.</remarks>
internal sealed record WalLinkSurroundings
{
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(45);

    /// <summary>Why the link can never go on; null when nothing says so.</summary>
    public string? Broken { get; private init; }

    /// <summary>Why replay is paused, from the log.</summary>
    public string? PauseReason { get; private init; }

    /// <summary>What keeps WAL from arriving; null when nothing is known to.</summary>
    public string? Trouble { get; private init; }

    private bool IsLocal { get; init; }

    private bool IsRunning { get; init; }

    private string? LogReason { get; init; }

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
            Broken = log.Forked,
            PauseReason = log.InsufficientSettings,
            LogReason = log.LastError,
            Trouble = TroubleOf(status),
        };
    }

    /// <summary>The lag when the target does not answer.</summary>
    public ReplicationLag WithoutAnswer(Exception error)
    {
        var (state, detail) = !IsLocal ? (LinkState.Stalled, $"The target does not answer: {error.Message}")
            : Broken is not null ? (LinkState.Broken, Broken)
            : !IsRunning ? (LinkState.Stopped, LogReason is null ? "The target's server does not run." : $"The target's server does not run; its log ends with: {LogReason}")
            : Trouble is not null ? (LinkState.Stalled, Trouble)
            : (LinkState.Preparing, $"The target does not accept connections yet: {error.Message}");
        return new ReplicationLag { State = state, Detail = detail, MeasuredAt = DateTime.UtcNow };
    }

    /// <summary>Whether the archive is known to hold more than the target has replayed; null when that is not known.</summary>
    public bool? HasMore(StandbyPosition target)
    {
        if (Status is not { State: not (PrefetchState.Starting or PrefetchState.Stopped) } status || target.Replayed is not { } replayed)
        {
            return null;
        }

        if (status.State == PrefetchState.Fetching)
        {
            return true;
        }

        return status.LastInArchive is { } last && WalSegmentName.TryParse(last, out var segment) && replayed < segment.Start(target.SegmentSize);
    }

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
