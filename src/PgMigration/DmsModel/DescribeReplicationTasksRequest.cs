namespace PgMigration.DmsModel;

/// <summary>Lists tasks.</summary>
public sealed record DescribeReplicationTasksRequest
{
    /// <summary>What to list, by names such as <c>replication-task-arn</c>, <c>replication-task-id</c> and <c>replication-instance-arn</c>; null for all.</summary>
    public Filter[]? Filters { get; init; }

    /// <summary>How many at most on one page: 20 to 100.</summary>
    public int? MaxRecords { get; init; }

    /// <summary>Where the next page begins, as the answer before said; null for the first.</summary>
    public string? Marker { get; init; }

    /// <summary>Whether to leave the long texts of settings out.</summary>
    public bool? WithoutSettings { get; init; }
}
