namespace PgMigration.Wal;

/// <summary>Where the flow of segments stands at one moment.</summary>
internal sealed record FlowReport
{
    /// <summary>The segment that PostgreSQL will ask for, or asks for.</summary>
    public required WalSegmentName Next { get; init; }

    /// <summary>The first segment that is needed and that the archive is not known to hold; null while that lies beyond the pool's limit.</summary>
    public required WalSegmentName? Frontier { get; init; }

    /// <summary>A segment that the archive holds although the frontier is missing.</summary>
    public required WalSegmentName? LaterThanFrontier { get; init; }

    /// <summary>The last segment in the archive on the timelines that are followed.</summary>
    public required WalSegmentName? LastInArchive { get; init; }

    /// <summary>The last segment handed to PostgreSQL.</summary>
    public required WalSegmentName? LastPlaced { get; init; }

    /// <summary>Bytes that wait in the pool.</summary>
    public required long PoolBytes { get; init; }

    /// <summary>How many segments are being fetched, or could be at once.</summary>
    public required int Fetching { get; init; }

    /// <summary>The failure of the earliest segment that failed; null when none did.</summary>
    public required FetchFailure? Failure { get; init; }
}
