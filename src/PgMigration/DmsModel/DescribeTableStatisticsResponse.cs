namespace PgMigration.DmsModel;

/// <summary>A page of tables.</summary>
public sealed record DescribeTableStatisticsResponse
{
    /// <summary>The task.</summary>
    public string? ReplicationTaskArn { get; init; }

    /// <summary>The tables.</summary>
    public TableStatistics[]? TableStatistics { get; init; }

    /// <summary>Where the next page begins; null on the last.</summary>
    public string? Marker { get; init; }
}
