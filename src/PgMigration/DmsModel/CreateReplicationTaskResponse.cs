namespace PgMigration.DmsModel;

/// <summary>The task that was made.</summary>
public sealed record CreateReplicationTaskResponse
{
    /// <summary>The task as it is now.</summary>
    public ReplicationTask? ReplicationTask { get; init; }
}
