namespace PgMigration.DmsModel;

/// <summary>The machine that goes.</summary>
public sealed record DeleteReplicationInstanceResponse
{
    /// <summary>The machine, deleting.</summary>
    public ReplicationInstance? ReplicationInstance { get; init; }
}
