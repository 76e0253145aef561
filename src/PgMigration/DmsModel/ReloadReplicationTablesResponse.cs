namespace PgMigration.DmsModel;

/// <summary>The replication that loads them.</summary>
public sealed record ReloadReplicationTablesResponse
{
    /// <summary>The configuration.</summary>
    public string? ReplicationConfigArn { get; init; }
}
