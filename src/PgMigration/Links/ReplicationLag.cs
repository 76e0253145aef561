namespace PgMigration;

/// <summary>How far a link's target is behind its source, at one moment. The same record for every kind of link.</summary>
public sealed record ReplicationLag
{
    /// <summary>Where the source writes: its insert position; null when the source was not asked or did not answer.</summary>
    public Lsn? SourceLsn { get; init; }

    /// <summary>Up to where the target has replayed; null when it could not be asked.</summary>
    public Lsn? TargetLsn { get; init; }

    /// <summary>Bytes of WAL between the two; null when one of them is unknown.</summary>
    public long? Bytes { get; init; }

    /// <summary>
    /// How old the newest replayed commit is, by the target's clock; zero when nothing is left to replay; null when unknown.
    /// An idle source has zero lag: <c>now() - pg_last_xact_replay_timestamp()</c> counts only while the positions differ.
    /// </summary>
    public TimeSpan? Time { get; init; }

    /// <summary>Bytes of WAL that the source keeps for the link; null when nothing is kept for it, as for a link by an archive.</summary>
    public long? HeldBytes { get; init; }

    /// <summary>Bytes of WAL that the source may still write before its disk is full or the link's slot is lost; null when unknown.</summary>
    public long? RoomBytes { get; init; }

    /// <summary>What the link is doing.</summary>
    public required LinkState State { get; init; }

    /// <summary>One sentence on the state when it is not simply following, such as the name of the missing segment.</summary>
    public string? Detail { get; init; }

    /// <summary>When this was measured, in UTC.</summary>
    public required DateTime MeasuredAt { get; init; }
}
