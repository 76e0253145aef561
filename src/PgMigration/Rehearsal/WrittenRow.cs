namespace PgMigration;

/// <summary>A row of one of the app's tables.</summary>
/// <param name="Table">Its place in <see cref="RehearsalTable.All"/>.</param>
/// <param name="Id">The id that the server's sequence gave it.</param>
/// <param name="Token">The id that the app gave it, never given twice.</param>
public readonly record struct WrittenRow(int Table, long Id, long Token);
