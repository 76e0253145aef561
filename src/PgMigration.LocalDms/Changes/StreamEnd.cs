namespace PgMigration.LocalDms;

/// <summary>When a task's reading of changes ends by itself.</summary>
/// <param name="Position">The stop position that the task was given; null for none.</param>
/// <param name="CachedChangesEnd">The end of what was committed during the load, for a task that stops there; null for one that does not.</param>
internal sealed record StreamEnd(StopPosition? Position, Lsn? CachedChangesEnd)
{
    /// <summary>Stopped at the time of the server.</summary>
    public const string AtServerTime = "Stop Reason STOPPED_AT_SERVER_TIME";

    /// <summary>Stopped before the first transaction that was committed later.</summary>
    public const string AtCommitTime = "Stop Reason STOPPED_AT_COMMIT_TIME";

    /// <summary>Stopped after the changes that were committed during the load.</summary>
    public const string AfterCachedChanges = "Stop Reason STOPPED_AFTER_CACHED_EVENTS";

    /// <summary>Why reading ends before a transaction; null when it goes on.</summary>
    public string? ReasonToEndBefore(Lsn commit, DateTime commitTime) =>
        CachedChangesEnd is { } end && commit >= end ? AfterCachedChanges
        : Position is { ByServerTime: false } stop && commitTime > stop.Time ? AtCommitTime
        : null;

    /// <summary>Why a task that has applied all that arrived, up to a position, stops now; null when it goes on.</summary>
    public string? ReasonToEndAt(Lsn applied) => CachedChangesEnd is { } end && applied >= end ? AfterCachedChanges : null;

    /// <summary>Whether the server's clock has passed the stop position.</summary>
    public bool HasServerTimePassed => Position is { ByServerTime: true } stop && DateTime.UtcNow >= stop.Time;

    /// <summary>Whether the stop position is a commit time that has passed: on a quiet source no later transaction would come.</summary>
    public bool HasCommitTimePassed => Position is { ByServerTime: false } stop && DateTime.UtcNow > stop.Time;
}
