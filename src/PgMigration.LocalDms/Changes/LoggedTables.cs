using Npgsql.Replication.PgOutput.Messages;

namespace PgMigration.LocalDms;

/// <summary>The tables that the stream speaks of, by the numbers that it gives them.</summary>
/// <param name="task">The task.</param>
internal sealed class LoggedTables(TaskContext task)
{
    private readonly Dictionary<uint, LoggedTable> _tables = [];
    private readonly Dictionary<TableName, TableRun> _runs = task.Tables.ToDictionary(table => table.Name);
    private Dictionary<TableName, TableDefinition> _source = [];
    private Dictionary<TableName, TableDefinition> _target = [];

    /// <summary>Reads what the catalogs say, of all tables at once.</summary>
    public async Task ReadCatalogsAsync(CancellationToken cancel)
    {
        var names = _runs.Keys.ToList();
        await using var source = await task.ConnectSourceAsync(cancel);
        await using var target = await task.ConnectTargetAsync(cancel);
        _source = (await Catalog.ReadAsync(source, names, cancel)).ToDictionary(table => table.Name);
        _target = (await Catalog.ReadAsync(target, names, cancel)).ToDictionary(table => table.Name);
    }

    /// <summary>Takes in the stream's description of a table, which comes before its first change and after each change of the table itself.</summary>
    public async Task LearnAsync(RelationMessage relation, CancellationToken cancel)
    {
        var name = new TableName(relation.Namespace, relation.RelationName);
        if (!_runs.TryGetValue(name, out var run))
        {
            _tables.Remove(relation.RelationId);
            return;
        }

        string[] columns = [.. relation.Columns.Select(column => column.ColumnName)];
        if (_tables.ContainsKey(relation.RelationId) || !_source.TryGetValue(name, out var known) || !columns.All(column => known.Column(column) is not null))
        {
            await ReadCatalogsAsync(cancel); // someone has altered it
        }

        bool[] key = [.. relation.Columns.Select(column => column.Flags.HasFlag(RelationMessage.Column.ColumnFlags.PartOfKey))];
        _tables[relation.RelationId] = new LoggedTable(run, columns, key, _source.GetValueOrDefault(name), _target.GetValueOrDefault(name));
    }

    /// <summary>The table of this number; null for one that the task does not move.</summary>
    public LoggedTable? Find(uint id) => _tables.GetValueOrDefault(id);
}
