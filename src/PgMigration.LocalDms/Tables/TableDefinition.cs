namespace PgMigration.LocalDms;

/// <summary>A table as one of the two servers has it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Columns">Its columns in order.</param>
/// <param name="PrimaryKey">The columns of its primary key, in the key's order; empty without one.</param>
/// <param name="Identity">By which columns the source names an old row: none, a key's, or all.</param>
/// <param name="IsUnlogged">Whether its changes are not in the log.</param>
internal sealed record TableDefinition(TableName Name, IReadOnlyList<TableColumn> Columns, IReadOnlyList<string> PrimaryKey, RowIdentity Identity, bool IsUnlogged)
{
    /// <summary>Whether its updates and deletions can be moved.</summary>
    public bool HasIdentity => Identity != RowIdentity.None;

    /// <summary>The column of this name, or null.</summary>
    public TableColumn? Column(string name) => Columns.FirstOrDefault(column => column.Name == name);
}
