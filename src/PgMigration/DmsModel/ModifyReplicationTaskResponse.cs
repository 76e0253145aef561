namespace PgMigration.DmsModel;

/// <summary>The task that is changed.</summary>
public sealed record ModifyReplicationTaskResponse
{
    /// <summary>The task as it is now.</summary>
    public ReplicationTask? ReplicationTask { get; init; }
}
