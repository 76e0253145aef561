namespace PgMigration.DmsModel;

/// <summary>The task whose tables are loaded.</summary>
public sealed record ReloadTablesResponse
{
    /// <summary>The task.</summary>
    public string? ReplicationTaskArn { get; init; }
}
