namespace PgMigration.Wal;

/// <summary>What an object of <c>wal_005/</c> holds.</summary>
public enum WalObjectKind
{
    /// <summary>A whole segment.</summary>
    Segment,

    /// <summary>The segment that a server had not filled when it was promoted.</summary>
    PartialSegment,

    /// <summary>The history of a timeline.</summary>
    History,

    /// <summary>The note about a backup that PostgreSQL archives beside its first segment.</summary>
    BackupNote,
}
