namespace PgMigration.DmsModel;

/// <summary>A page of configurations.</summary>
public sealed record DescribeReplicationConfigsResponse
{
    /// <summary>The configurations.</summary>
    public ReplicationConfig[]? ReplicationConfigs { get; init; }

    /// <summary>Where the next page begins; null on the last.</summary>
    public string? Marker { get; init; }
}
