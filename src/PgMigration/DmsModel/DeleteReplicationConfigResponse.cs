namespace PgMigration.DmsModel;

/// <summary>The configuration that goes.</summary>
public sealed record DeleteReplicationConfigResponse
{
    /// <summary>It.</summary>
    public ReplicationConfig? ReplicationConfig { get; init; }
}
