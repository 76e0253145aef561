namespace PgMigration.DmsModel;

/// <summary>A page of machines.</summary>
public sealed record DescribeReplicationInstancesResponse
{
    /// <summary>Where the next page begins; null on the last.</summary>
    public string? Marker { get; init; }

    /// <summary>The machines.</summary>
    public ReplicationInstance[]? ReplicationInstances { get; init; }
}
