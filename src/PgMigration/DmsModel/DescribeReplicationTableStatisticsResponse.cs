namespace PgMigration.DmsModel;

/// <summary>A page of tables.</summary>
public sealed record DescribeReplicationTableStatisticsResponse
{
    /// <summary>The configuration.</summary>
    public string? ReplicationConfigArn { get; init; }

    /// <summary>The tables.</summary>
    public TableStatistics[]? ReplicationTableStatistics { get; init; }

    /// <summary>Where the next page begins; null on the last.</summary>
    public string? Marker { get; init; }
}
