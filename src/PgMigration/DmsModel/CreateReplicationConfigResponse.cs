namespace PgMigration.DmsModel;

/// <summary>The configuration that was made.</summary>
public sealed record CreateReplicationConfigResponse
{
    /// <summary>It.</summary>
    public ReplicationConfig? ReplicationConfig { get; init; }
}
