namespace PgMigration.LocalDms;

/// <summary>A row that differed, or that changed since it was compared.</summary>
internal sealed class DoubtfulRow
{
    /// <summary>Since when it is in doubt.</summary>
    public DateTime Since { get; } = DateTime.UtcNow;

    /// <summary>When a change of it was applied last.</summary>
    public DateTime Changed { get; set; } = DateTime.UtcNow;

    /// <summary>Since when it was found different each time it was looked at; null when it was the same last. What is new on the source may still be on its way.</summary>
    public DateTime? DifferentSince { get; set; }
}
