namespace PgMigration.DmsModel;

/// <summary>Loads tables anew while the task runs.</summary>
public sealed record ReloadTablesRequest
{
    /// <summary>The task.</summary>
    public required string ReplicationTaskArn { get; init; }

    /// <summary>The tables.</summary>
    public required TableToReload[] TablesToReload { get; init; }

    /// <summary><c>data-reload</c>, or <c>validate-only</c> to compare again; null for the former.</summary>
    public string? ReloadOption { get; init; }
}
