namespace PgMigration.DmsModel;

/// <summary>The task that starts.</summary>
public sealed record StartReplicationTaskResponse
{
    /// <summary>The task as it is now.</summary>
    public ReplicationTask? ReplicationTask { get; init; }
}
