namespace PgMigration;

/// <summary>A column that DMS moves as a large object.</summary>
/// <param name="Name">The column.</param>
/// <param name="IsBinary">Whether its bytes are moved as they are; else as characters.</param>
/// <param name="IsText">Whether its length is known without making a text of it.</param>
public sealed record DmsLobColumn(string Name, bool IsBinary, bool IsText);
