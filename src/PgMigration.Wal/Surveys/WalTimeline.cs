namespace PgMigration.Wal;

/// <summary>One timeline of an archive, as far as it has segments from a backup's start on, or a history.</summary>
public sealed record WalTimeline
{
    /// <summary>Its number.</summary>
    public required uint Timeline { get; init; }

    /// <summary>The timeline that it left; null for the first one, and where the archive holds no history.</summary>
    public uint? Parent { get; init; }

    /// <summary>Where it left its parent.</summary>
    public Lsn? ForkedAt { get; init; }

    /// <summary>Whether the archive holds its history (the first timeline needs none).</summary>
    public required bool HasHistory { get; init; }

    /// <summary>Whether the way from the backup to now leads over it.</summary>
    public required bool IsOnTheWay { get; init; }

    /// <summary>Its first segment from the backup's start on.</summary>
    public WalSegmentName? First { get; init; }

    /// <summary>Its last segment.</summary>
    public WalSegmentName? Last { get; init; }

    /// <summary>How many segments it has from the backup's start on.</summary>
    public required long Segments { get; init; }

    /// <summary>Bytes that they take in the archive.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>The partial segments that a failover or a promotion left on it. No server asks for them.</summary>
    public IReadOnlyList<string> Partial { get; init => field = value.ToArray(); } = [];
}
