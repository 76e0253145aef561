namespace PgMigration.DmsModel;

/// <summary>Stops a task.</summary>
public sealed record StopReplicationTaskRequest
{
    /// <summary>The task.</summary>
    public required string ReplicationTaskArn { get; init; }
}
