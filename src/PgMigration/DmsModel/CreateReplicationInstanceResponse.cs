namespace PgMigration.DmsModel;

/// <summary>The machine that was asked for.</summary>
public sealed record CreateReplicationInstanceResponse
{
    /// <summary>The machine, creating.</summary>
    public ReplicationInstance? ReplicationInstance { get; init; }
}
