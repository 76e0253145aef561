namespace PgMigration.DmsModel;

/// <summary>The task that stops.</summary>
public sealed record StopReplicationTaskResponse
{
    /// <summary>The task as it is now.</summary>
    public ReplicationTask? ReplicationTask { get; init; }
}
