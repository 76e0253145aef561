namespace PgMigration.DmsModel;

/// <summary>Lists what a task did with each table.</summary>
public sealed record DescribeTableStatisticsRequest
{
    /// <summary>The task.</summary>
    public required string ReplicationTaskArn { get; init; }

    /// <summary>How many at most on one page: 20 to 100; for tables up to 500.</summary>
    public int? MaxRecords { get; init; }

    /// <summary>Where the next page begins, as the answer before said; null for the first.</summary>
    public string? Marker { get; init; }

    /// <summary>What to list, by names such as <c>schema-name</c>, <c>table-name</c> and <c>table-state</c>; null for all.</summary>
    public Filter[]? Filters { get; init; }
}
