using System.Text.Json;

namespace PgMigration.LocalDms;

/// <summary>A row's primary key in text form.</summary>
/// <param name="Text">The values as a JSON list.</param>
internal readonly record struct RowKey(string Text)
{
    /// <summary>The values.</summary>
    public string[] Parts => JsonSerializer.Deserialize<string[]>(Text)!;

    /// <summary>The key of these values.</summary>
    public static RowKey Of(string[] values) => new(JsonSerializer.Serialize(values));

    /// <summary>The key of the row that a change left or removed; null when the log does not have it.</summary>
    public static RowKey? Of(RowChange change)
    {
        string?[] row = change.Kind == ChangeKind.Delete ? change.Old ?? [] : change.New;
        string?[] values = [.. change.Table.Key.Where(i => i < row.Length).Select(i => row[i])];
        return values.Length > 0 && !values.Any(value => value is null || RowChange.IsUnchanged(value)) ? Of(values!) : null;
    }
}
