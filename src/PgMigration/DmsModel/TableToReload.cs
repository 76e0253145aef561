namespace PgMigration.DmsModel;

/// <summary>A table by its names.</summary>
public sealed record TableToReload
{
    /// <summary>The schema.</summary>
    public required string SchemaName { get; init; }

    /// <summary>The table.</summary>
    public required string TableName { get; init; }
}
