namespace PgMigration.DmsModel;

/// <summary>Asks for configurations.</summary>
public sealed record DescribeReplicationConfigsRequest
{
    /// <summary>Which ones; null for all.</summary>
    public Filter[]? Filters { get; init; }

    /// <summary>How many on a page: 20 to 100.</summary>
    public int? MaxRecords { get; init; }

    /// <summary>Where the page begins: what the last one said; null for the first.</summary>
    public string? Marker { get; init; }
}
