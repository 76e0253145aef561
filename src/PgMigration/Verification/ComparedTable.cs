namespace PgMigration;

/// <summary>A table to compare, by the columns that both sides have.</summary>
/// <param name="Schema">The schema.</param>
/// <param name="Name">The table.</param>
/// <param name="Bytes">Its size on the source, without indexes.</param>
/// <param name="Columns">Its columns, in the source's order.</param>
/// <param name="Key">The primary key's columns with their types; empty when it has none.</param>
internal sealed record ComparedTable(string Schema, string Name, long Bytes, string[] Columns, (string Name, string Type)[] Key)
{
    /// <summary>As SQL takes it.</summary>
    public string Quoted => SqlText.Name(Schema, Name);

    /// <summary>A row as one text, the same on every server.</summary>
    public string Row => $"row({string.Join(", ", Columns.Select(column => $"t.{SqlText.Name(column)}"))})::text";

    /// <inheritdoc/>
    public override string ToString() => $"{Schema}.{Name}";
}
