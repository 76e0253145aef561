namespace PgMigration.DmsModel;

/// <summary>Asks what a serverless replication did with its tables.</summary>
public sealed record DescribeReplicationTableStatisticsRequest
{
    /// <summary>The configuration's address.</summary>
    public required string ReplicationConfigArn { get; init; }

    /// <summary>Which ones; null for all.</summary>
    public Filter[]? Filters { get; init; }

    /// <summary>How many on a page: 20 to 500.</summary>
    public int? MaxRecords { get; init; }

    /// <summary>Where the page begins: what the last one said; null for the first.</summary>
    public string? Marker { get; init; }
}
