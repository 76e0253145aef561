namespace PgMigration;

/// <summary>How an app was before its pause, as it wrote it down itself: what a cutover keeps in its journal. No secret.</summary>
/// <param name="Kind">The kind of app, which alone can read the rest.</param>
/// <param name="State">What <see cref="MigrationApp.RememberAsync"/> gave; null for an app that has nothing to remember.</param>
public sealed record AppMemory(string Kind, string? State);
