namespace PgMigration.Wal;

/// <summary>Something on the way from a backup to now that the archive does not hold: replay ends before it.</summary>
public sealed record WalGap
{
    /// <summary>What is missing.</summary>
    public required WalGapKind Kind { get; init; }

    /// <summary>The first segment that is missing, or beyond which no way is known.</summary>
    public required WalSegmentName First { get; init; }

    /// <summary>The last segment that is missing in a row.</summary>
    public required WalSegmentName Last { get; init; }

    /// <summary>How many segments are missing in a row; 0 where the gap is a history, or lies in the backup itself.</summary>
    public required long Segments { get; init; }

    /// <summary>When the last segment before the gap was stored, in UTC; null when there is none.</summary>
    public DateTimeOffset? Before { get; init; }

    /// <summary>When the first segment behind the gap was stored, in UTC: within these two times something went wrong; null when there is none.</summary>
    public DateTimeOffset? After { get; init; }

    /// <summary>One sentence: what is missing, and what to do.</summary>
    public required string Detail { get; init; }

    /// <summary>The sentence.</summary>
    public override string ToString() => Detail;
}
