namespace PgMigration.DmsModel;

/// <summary>Lists endpoints.</summary>
public sealed record DescribeEndpointsRequest
{
    /// <summary>What to list, by names such as <c>endpoint-arn</c>, <c>endpoint-id</c> and <c>endpoint-type</c>; null for all.</summary>
    public Filter[]? Filters { get; init; }

    /// <summary>How many at most on one page: 20 to 100.</summary>
    public int? MaxRecords { get; init; }

    /// <summary>Where the next page begins, as the answer before said; null for the first.</summary>
    public string? Marker { get; init; }
}
