using System.Collections.Concurrent;

namespace PgMigration.LocalDms;

/// <summary>Tables that someone wants loaded anew while the task runs.</summary>
internal sealed class ReloadRequests
{
    private readonly ConcurrentDictionary<TableName, bool> _tables = new();

    /// <summary>Whether there are any.</summary>
    public bool Any => !_tables.IsEmpty;

    /// <summary>Asks for a table.</summary>
    public void Add(TableName table) => _tables[table] = true;

    /// <summary>One of them.</summary>
    public bool TryPeek(out TableName table)
    {
        table = _tables.Keys.FirstOrDefault();
        return Any;
    }

    /// <summary>It has been seen to.</summary>
    public void Remove(TableName table) => _tables.TryRemove(table, out _);
}
