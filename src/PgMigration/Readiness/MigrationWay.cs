namespace PgMigration;

/// <summary>How a migration gets its data to the target.</summary>
public enum MigrationWay
{
    /// <summary>By restoring a base backup and following the archived WAL.</summary>
    Wal,

    /// <summary>By AWS DMS: rows are copied, then their changes.</summary>
    Dms,
}
