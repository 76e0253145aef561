namespace PgMigration.DmsModel;

/// <summary>A page of serverless replications.</summary>
public sealed record DescribeReplicationsResponse
{
    /// <summary>The replications.</summary>
    public Replication[]? Replications { get; init; }

    /// <summary>Where the next page begins; null on the last.</summary>
    public string? Marker { get; init; }
}
