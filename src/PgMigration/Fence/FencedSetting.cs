namespace PgMigration;

/// <summary>A read-only default that the fence sets, and what it was before.</summary>
/// <param name="Role">The role whose setting in this database it is; null for the database's own.</param>
/// <param name="Before">The value before; null when there was none.</param>
/// <param name="Value">What it is set to: on, or off for a role that the fence spares, since a link still needs its sessions.</param>
public sealed record FencedSetting(string? Role, string? Before, string Value = "on");
