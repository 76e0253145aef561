namespace PgMigration;

/// <summary>What of a source can be seen by an ordinary login before its archive is restored.</summary>
internal static class WalRules
{
    public static IReadOnlyList<ReadinessRule> All { get; } =
    [
        new("ArchiveOff", FindingSeverity.Blocker, "SELECT 'archive_mode = ' || setting FROM pg_settings WHERE name = 'archive_mode' AND setting = 'off'",
            "The source archives nothing: there is nothing to follow.", "Ask the host for continuous archiving, or go by replication instead."),
        new("WalLevelMinimal", FindingSeverity.Blocker, "SELECT 'wal_level = ' || setting FROM pg_settings WHERE name = 'wal_level' AND setting = 'minimal'",
            "The WAL does not hold everything: a copy that follows it is damaged.", "Ask the host for wal_level = replica."),
        new("ArchiverFails", FindingSeverity.Blocker, "SELECT 'the archiver', last_failed_wal, last_failed_time::text FROM pg_stat_archiver WHERE last_failed_time > coalesce(last_archived_time, '-infinity') AND NOT pg_is_in_recovery()",
            "It failed at {1} on {2} and has archived nothing since: the copy stands still, and the source's disk fills.", "Ask the host why archiving fails."),
        new("ArchiverLate", FindingSeverity.Warning, """
            SELECT 'the archiver', last_archived_wal, last_archived_time::text FROM pg_stat_archiver
            WHERE last_archived_time < now() - interval '15 minutes' AND NOT pg_is_in_recovery() AND pg_walfile_name(pg_current_wal_lsn()) > last_archived_wal
            """,
            "It archived its last segment, {1}, on {2}, and newer WAL has been written since: a copy is that far behind at best.", "Set archive_timeout on the source (60s is usual), or see whether the archiver is stuck."),
        new("FullPageWritesOff", FindingSeverity.Blocker, "SELECT 'full_page_writes = off' FROM pg_settings WHERE name = 'full_page_writes' AND setting = 'off'",
            "Pages that were being written while the backup ran cannot be made whole from the WAL.", "Ask the host for full_page_writes = on."),
        new("ChecksumsOff", FindingSeverity.Info, "SELECT 'data_checksums = off' FROM pg_settings WHERE name = 'data_checksums' AND setting = 'off'",
            "Pages that a disk has altered cannot be told from good ones, neither here nor on the copy.", "Nothing before the cutover; pg_checksums --enable on the new server afterwards, while it is stopped."),
        new("Tablespace", FindingSeverity.Info, "SELECT quote_ident(spcname), (SELECT count(*)::text FROM pg_class WHERE reltablespace = t.oid) FROM pg_tablespace t WHERE spcname NOT IN ('pg_default', 'pg_global') ORDER BY 1",
            "A backup holds it in a folder of its own.", "Start-WalRestore -TablespaceMapping says where it goes."),
        new("MarkNotAllowed", FindingSeverity.Blocker, "SELECT 'database ' || quote_ident(current_database()), quote_ident(current_user) WHERE NOT has_database_privilege(current_database(), 'CREATE')",
            "{1} may make no schema there, and the cutover writes its mark into one of its own.", "GRANT CREATE ON {0} TO {1};"),
        // An application with two-phase commit always has some for a moment: only one that its manager has left is a finding.
        DmsServerRules.Prepared with
        {
            Sql = """
                SELECT quote_literal(gid) || ' of ' || owner, quote_literal(gid), date_trunc('second', clock_timestamp() - prepared)::text FROM pg_prepared_xacts
                WHERE database = current_database() AND prepared < clock_timestamp() - interval '10 seconds' ORDER BY prepared
                """,
            Consequence = "It has been prepared for {2} and keeps its locks; no fence can be proven while it is there.",
            Fix = "-- only if its transaction manager is gone, which alone knows whether to commit or to roll back\nROLLBACK PREPARED {1};",
        },
        DmsServerRules.Long,
    ];
}
