namespace PgMigration.DmsModel;

/// <summary>A page of tasks.</summary>
public sealed record DescribeReplicationTasksResponse
{
    /// <summary>Where the next page begins; null on the last.</summary>
    public string? Marker { get; init; }

    /// <summary>The tasks.</summary>
    public ReplicationTask[]? ReplicationTasks { get; init; }
}
