namespace PgMigration.LocalDms;

/// <summary>A table as the source's log describes it, and what the servers' catalogs say of its columns.</summary>
/// <param name="run">The task's table.</param>
/// <param name="columns">The log's columns, in its order.</param>
/// <param name="keyColumns">For each, whether it is part of what identifies a row.</param>
/// <param name="source">The table as the source has it now.</param>
/// <param name="target">The table as the target has it; null when it has none.</param>
internal sealed class LoggedTable(TableRun run, IReadOnlyList<string> columns, IReadOnlyList<bool> keyColumns, TableDefinition? source, TableDefinition? target)
{
    /// <summary>The task's table.</summary>
    public TableRun Run => run;

    /// <summary>The log's columns.</summary>
    public IReadOnlyList<string> Columns => columns;

    /// <summary>Each column as the source has it; null for one that it has no more.</summary>
    public IReadOnlyList<TableColumn?> OnSource { get; } = [.. columns.Select(name => source?.Column(name))];

    /// <summary>Each column as the target has it.</summary>
    public IReadOnlyList<TableColumn?> OnTarget { get; } = [.. columns.Select(name => target?.Column(name))];

    /// <summary>The places of the columns that find a row on the target: of the primary key, else of the replica identity.</summary>
    public IReadOnlyList<int> Key { get; } = KeyOf(columns, keyColumns, source);

    /// <summary>Whether rows are found by all their columns, of which two rows may have the same.</summary>
    public bool IsFoundByAll => source is { PrimaryKey.Count: 0, Identity: RowIdentity.All };

    /// <summary>Columns that only the servers compute; DMS would write them, and fail.</summary>
    public IReadOnlyList<string> Generated { get; } =
        [.. (target?.Columns ?? []).Where(column => column.IsGenerated && source?.Column(column.Name) is { IsGenerated: true } && !columns.Contains(column.Name)).Select(column => column.Name)];

    private static List<int> KeyOf(IReadOnlyList<string> columns, IReadOnlyList<bool> keyColumns, TableDefinition? source)
    {
        var all = Enumerable.Range(0, columns.Count);
        var primary = (source?.PrimaryKey ?? []).ToHashSet(StringComparer.Ordinal);
        var chosen = all.Where(i => primary.Contains(columns[i])).ToList();
        return primary.Count > 0 && chosen.Count == primary.Count && (source!.Identity == RowIdentity.All || chosen.TrueForAll(i => keyColumns[i]))
            ? chosen
            : [.. all.Where(i => keyColumns[i])];
    }
}
