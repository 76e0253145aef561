namespace PgMigration.Wal;

/// <summary>Whether an object of a bucket can be read, or lies in a storage class from which it must be restored first.</summary>
public enum ArchivedState
{
    /// <summary>It can be read.</summary>
    Readable,

    /// <summary>Its class has tiers that cannot be read, and what was asked does not tell in which it lies.</summary>
    Unknown,

    /// <summary>It lies in GLACIER, DEEP_ARCHIVE or an archive tier of INTELLIGENT_TIERING: it must be restored before it can be read.</summary>
    Archived,

    /// <summary>The same, and its restoration was requested and has not ended.</summary>
    Restoring,
}
