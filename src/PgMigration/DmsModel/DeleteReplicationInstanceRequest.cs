namespace PgMigration.DmsModel;

/// <summary>Removes a machine; its tasks must be gone.</summary>
public sealed record DeleteReplicationInstanceRequest
{
    /// <summary>The machine.</summary>
    public required string ReplicationInstanceArn { get; init; }
}
