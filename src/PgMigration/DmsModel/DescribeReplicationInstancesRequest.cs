namespace PgMigration.DmsModel;

/// <summary>Lists the machines that tasks run on.</summary>
public sealed record DescribeReplicationInstancesRequest
{
    /// <summary>What to list, by names such as <c>replication-instance-arn</c> and <c>replication-instance-id</c>; null for all.</summary>
    public Filter[]? Filters { get; init; }

    /// <summary>How many at most on one page: 20 to 100.</summary>
    public int? MaxRecords { get; init; }

    /// <summary>Where the next page begins, as the answer before said; null for the first.</summary>
    public string? Marker { get; init; }
}
