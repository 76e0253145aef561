namespace PgMigration.DmsModel;

/// <summary>Asks a running serverless replication to load tables anew.</summary>
public sealed record ReloadReplicationTablesRequest
{
    /// <summary>The configuration's address.</summary>
    public required string ReplicationConfigArn { get; init; }

    /// <summary>The tables.</summary>
    public required TableToReload[] TablesToReload { get; init; }

    /// <summary><c>data-reload</c> or <c>validate-only</c>; the first where it is not said.</summary>
    public string? ReloadOption { get; init; }
}
