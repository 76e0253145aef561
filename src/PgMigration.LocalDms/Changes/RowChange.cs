namespace PgMigration.LocalDms;

/// <summary>A change of one row, in the text form of the source's log.</summary>
/// <param name="Table">The table as the log describes it.</param>
/// <param name="Kind">What happened.</param>
/// <param name="New">The row after it, by the log's columns; empty for a deletion.</param>
/// <param name="Old">What the log says of the row before it: its key, all of it, or nothing where that did not change.</param>
/// <param name="OldIsFull">Whether the old row is given whole.</param>
internal sealed record RowChange(LoggedTable Table, ChangeKind Kind, string?[] New, string?[]? Old, bool OldIsFull)
{
    /// <summary>Stands for a large value that did not change and is therefore not in the log; told from NULL by being this very object.</summary>
    public static readonly string Unchanged = new('?', 1);

    /// <summary>Whether a value is not in the log.</summary>
    public static bool IsUnchanged(string? value) => ReferenceEquals(value, Unchanged);
}
