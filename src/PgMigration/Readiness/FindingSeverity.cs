namespace PgMigration;

/// <summary>How grave a finding is.</summary>
public enum FindingSeverity
{
    /// <summary>Worth knowing; nothing need be done.</summary>
    Info,

    /// <summary>Something will be wrong, slow or missing unless it is mended, but the migration goes through.</summary>
    Warning,

    /// <summary>The migration must not go through before it is mended: the app would fail, or data would be wrong.</summary>
    Blocker,
}
