using System.Text.Json.Serialization;

namespace PgMigration.LocalDms;

/// <summary>A table, by its schema and name; both sides call it the same.</summary>
/// <param name="Schema">The schema.</param>
/// <param name="Table">The table.</param>
internal readonly record struct TableName(string Schema, string Table)
{
    /// <summary>As SQL writes it.</summary>
    [JsonIgnore]
    public string Quoted => $"{Sql.Name(Schema)}.{Sql.Name(Table)}";

    /// <inheritdoc/>
    public override string ToString() => $"{Schema}.{Table}";
}
