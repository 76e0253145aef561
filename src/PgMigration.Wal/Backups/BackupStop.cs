namespace PgMigration.Wal;

/// <summary>What the server said when the backup ended (pg_backup_stop).</summary>
/// <param name="StopLsn">From here on the copy is consistent.</param>
/// <param name="Label">The text of backup_label.</param>
/// <param name="TablespaceMap">The text of tablespace_map; empty when there are no tablespaces.</param>
public sealed record BackupStop(Lsn StopLsn, string Label, string TablespaceMap);
