namespace PgMigration.DmsModel;

/// <summary>A page of endpoints.</summary>
public sealed record DescribeEndpointsResponse
{
    /// <summary>Where the next page begins; null on the last.</summary>
    public string? Marker { get; init; }

    /// <summary>The endpoints.</summary>
    public Endpoint[]? Endpoints { get; init; }
}
