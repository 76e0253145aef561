namespace PgMigration.DmsModel;

/// <summary>Removes a task that does not run; on a PostgreSQL source its slot goes too.</summary>
public sealed record DeleteReplicationTaskRequest
{
    /// <summary>The task.</summary>
    public required string ReplicationTaskArn { get; init; }
}
