namespace PgMigration.DmsModel;

/// <summary>The task that goes.</summary>
public sealed record DeleteReplicationTaskResponse
{
    /// <summary>The task as it is now.</summary>
    public ReplicationTask? ReplicationTask { get; init; }
}
