namespace PgMigration.LocalDms;

/// <summary>A row that differed, or that changed since it was compared.</summary>
internal sealed class DoubtfulRow
{
    /// <summary>Since when it is in doubt.</summary>
    public DateTime Since { get; } = DateTime.UtcNow;

    /// <summary>When a change of it was applied last.</summary>
    public DateTime Changed { get; set; } = DateTime.UtcNow;
}
