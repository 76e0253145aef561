namespace PgMigration.Wal;

/// <summary>A page whose checksum is wrong.</summary>
/// <param name="File">The file, relative to the data directory.</param>
/// <param name="Block">The page's number within the file, from 0.</param>
public readonly record struct SuspectPage(string File, uint Block);
