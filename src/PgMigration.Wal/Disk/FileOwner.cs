namespace PgMigration.Wal;

/// <summary>The numbers of the OS user and group that are to own restored files.</summary>
/// <param name="UserId">The user's number.</param>
/// <param name="GroupId">The group's number.</param>
public readonly record struct FileOwner(uint UserId, uint GroupId);
