namespace PgMigration.DmsModel;

/// <summary>A page of tests.</summary>
public sealed record DescribeConnectionsResponse
{
    /// <summary>Where the next page begins; null on the last.</summary>
    public string? Marker { get; init; }

    /// <summary>The tests.</summary>
    public Connection[]? Connections { get; init; }
}
