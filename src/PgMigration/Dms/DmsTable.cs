namespace PgMigration;

/// <summary>A table of the source, as far as DMS's ways with it matter.</summary>
/// <param name="Schema">The schema.</param>
/// <param name="Name">The table.</param>
/// <param name="Bytes">Its size with its large values, without indexes.</param>
/// <param name="KeyColumns">The primary key's columns; empty when it has none.</param>
/// <param name="HasIntegerKey">Whether the key is one column of an integer type, by which it can be loaded in ranges.</param>
/// <param name="IsIdentityFull">Whether its updates and deletes carry whole rows.</param>
/// <param name="IsUnlogged">Whether its changes are in no WAL.</param>
/// <param name="Lobs">The columns that DMS treats as large objects.</param>
public sealed record DmsTable(
    string Schema, string Name, long Bytes, IReadOnlyList<string> KeyColumns, bool HasIntegerKey, bool IsIdentityFull, bool IsUnlogged, IReadOnlyList<DmsLobColumn> Lobs)
{
    /// <summary>Whether a column of its key is a large object to DMS, which writes a row without those first.</summary>
    public bool HasLargeKey { get; init; }

    /// <summary>The inner boundaries of the ranges in which it is loaded; empty for all at once.</summary>
    public IReadOnlyList<string> Boundaries { get; init; } = [];

    /// <summary>Why its updates and deletes do not say which row they are about; null when they do.</summary>
    internal string? IdentityGap { get; init; }

    /// <summary><c>schema.table</c>, as SQL takes it.</summary>
    public string Quoted => SqlText.Name(Schema, Name);

    /// <summary><c>schema.table</c>, to read.</summary>
    public override string ToString() => $"{Schema}.{Name}";
}
