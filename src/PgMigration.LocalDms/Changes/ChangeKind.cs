namespace PgMigration.LocalDms;

/// <summary>What happened to a row.</summary>
internal enum ChangeKind
{
    /// <summary>It came.</summary>
    Insert,

    /// <summary>It changed.</summary>
    Update,

    /// <summary>It went.</summary>
    Delete,
}
