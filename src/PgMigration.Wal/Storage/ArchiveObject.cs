namespace PgMigration.Wal;

/// <summary>One object of an archive, as a listing shows it.</summary>
/// <param name="Name">Relative to the archive, with forward slashes.</param>
/// <param name="Length">Stored bytes (compressed).</param>
/// <param name="LastModified">When it was stored, in UTC.</param>
public sealed record ArchiveObject(string Name, long Length, DateTimeOffset LastModified);
