namespace PgMigration.Wal;

/// <summary>What the server said when the backup began (pg_backup_start, and pg_control).</summary>
/// <param name="StartLsn">What pg_backup_start returned: where replay will start.</param>
/// <param name="Timeline">The server's timeline.</param>
/// <param name="SegmentSize">The cluster's segment size in bytes.</param>
/// <param name="SystemIdentifier">The cluster.</param>
/// <param name="PgVersion">The version as <c>server_version_num</c> has it, such as 150018.</param>
public sealed record BackupStart(Lsn StartLsn, uint Timeline, int SegmentSize, ulong SystemIdentifier, int PgVersion);
