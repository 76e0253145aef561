namespace PgMigration;

/// <summary>How a cutover went.</summary>
public sealed record CutoverReport
{
    /// <summary>Names the cutover.</summary>
    public required string Id { get; init; }

    /// <summary>How it ended.</summary>
    public required CutoverOutcome Outcome { get; init; }

    /// <summary>The server that the app left, or is back on.</summary>
    public required PgServer Source { get; init; }

    /// <summary>The new server, as the app reaches it.</summary>
    public required PgServer Target { get; init; }

    /// <summary>From the begin of the pause to the moment the app continued, also where another session began it; null when it was not paused, or is paused still.</summary>
    public TimeSpan? Paused { get; init; }

    /// <summary>The position that had to be, and was, on the target before it was promoted.</summary>
    public Lsn? MarkLsn { get; init; }

    /// <summary>What each step took and proved.</summary>
    public required IReadOnlyList<CutoverStepReport> Steps { get; init => field = value.ToArray(); }

    /// <summary>The journal's file.</summary>
    public required string Journal { get; init; }

    /// <summary>When it ended, in UTC.</summary>
    public required DateTime EndedAt { get; init; }
}
