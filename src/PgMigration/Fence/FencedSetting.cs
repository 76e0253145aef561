namespace PgMigration;

/// <summary>A read-only default that the fence sets, and what it was before.</summary>
/// <param name="Role">The role whose setting in this database it is; null for the database's own.</param>
/// <param name="Before">The value before; null when there was none.</param>
public sealed record FencedSetting(string? Role, string? Before);
