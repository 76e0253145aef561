namespace PgMigration.LocalDms;

/// <summary>What the target says of a table: a part that is loaded, or that the table was given up.</summary>
/// <param name="Table">The table.</param>
/// <param name="Part">The part's number; -1 for the table as a whole.</param>
/// <param name="Snapshot">The position of the snapshot that it was loaded from.</param>
/// <param name="Rows">How many rows it has.</param>
/// <param name="Suspended">Why the table was given up; null when it was not.</param>
internal sealed record LoadedPart(TableName Table, int Part, Lsn Snapshot, long Rows, string? Suspended);
