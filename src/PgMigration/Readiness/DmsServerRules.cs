namespace PgMigration;

/// <summary>What of the source's settings, and of what runs on it, keeps DMS from starting or its slot from being kept.</summary>
internal static class DmsServerRules
{
    // Where DMS has its slots already, Start-PgDmsReplication counts what is still to be made.
    private const string HasNone = $" AND NOT EXISTS (SELECT FROM pg_replication_slots WHERE database = current_database() AND (starts_with(slot_name::text, '{DmsSlots.LocalPrefix}') OR slot_name::text ~ '{DmsSlots.AwsName}'))";

    public static IReadOnlyList<ReadinessRule> All { get; } =
    [
        new("WalLevel", FindingSeverity.Blocker, "SELECT 'wal_level = ' || setting FROM pg_settings WHERE name = 'wal_level' AND setting <> 'logical'",
            "Changes cannot be decoded: DMS can load, and not follow.", "ALTER SYSTEM SET wal_level = 'logical';\n-- and restart the source (on RDS and Aurora: rds.logical_replication = 1)"),
        new("NoSlotFree", FindingSeverity.Blocker, """
            SELECT 'max_replication_slots = ' || setting, (SELECT count(*)::text FROM pg_replication_slots) FROM pg_settings WHERE name = 'max_replication_slots' AND setting::int <= (SELECT count(*) FROM pg_replication_slots)
            """ + HasNone,
            "All {1} are taken, and each task needs one.", "Drop a slot that nobody needs (SELECT pg_drop_replication_slot(…)), or raise max_replication_slots and restart the source."),
        new("NoSenderFree", FindingSeverity.Blocker, """
            SELECT 'max_wal_senders = ' || setting, (SELECT count(*)::text FROM pg_stat_replication) FROM pg_settings WHERE name = 'max_wal_senders' AND setting::int <= (SELECT count(*) FROM pg_stat_replication)
            """ + HasNone,
            "All {1} are busy, and each task needs one.", "Raise max_wal_senders and restart the source."),
        new("WalSenderTimeout", FindingSeverity.Blocker, "SELECT 'wal_sender_timeout = ' || setting || ' ms' FROM pg_settings WHERE name = 'wal_sender_timeout' AND setting::int > 0 AND setting::int < 10000",
            "DMS answers less often: its connection is ended again and again. It wants 10 s at least, or none.", "ALTER SYSTEM SET wal_sender_timeout = '60s';\nSELECT pg_reload_conf();"),
        new("SlotUnbounded", FindingSeverity.Warning, "SELECT 'max_slot_wal_keep_size = -1' FROM pg_settings WHERE name = 'max_slot_wal_keep_size' AND setting = '-1'",
            "A slot of a task that is stopped, failed or late keeps WAL until the source's disk is full, and then the app is down.", "Watch it (Get-ReplicationLag), or give it a bound that its disk has room for; a slot beyond it is lost and its task must load anew:\nALTER SYSTEM SET max_slot_wal_keep_size = '100GB';\nSELECT pg_reload_conf();"),
        new("SlotBoundSmall", FindingSeverity.Warning, "SELECT 'max_slot_wal_keep_size = ' || setting || ' MB' FROM pg_settings WHERE name = 'max_slot_wal_keep_size' AND setting::bigint BETWEEN 0 AND 4095",
            "The slot is lost as soon as DMS is that far behind, which the load of a large table already makes it: everything must then be loaded anew.", "ALTER SYSTEM SET max_slot_wal_keep_size = '100GB';\n-- as much as the disk has room for\nSELECT pg_reload_conf();"),
        new("DecodingMemory", FindingSeverity.Warning, "SELECT 'logical_decoding_work_mem = ' || setting || ' kB' FROM pg_settings WHERE name = 'logical_decoding_work_mem' AND setting::bigint < 65536",
            "Transactions with more changes than that are decoded by way of the disk: DMS falls behind.", "ALTER SYSTEM SET logical_decoding_work_mem = '256MB';\nSELECT pg_reload_conf();"),
        new("SlotInactive", FindingSeverity.Warning, """
            SELECT 'slot ' || quote_ident(slot_name), pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), quote_literal(slot_name) FROM pg_replication_slots WHERE NOT active AND restart_lsn IS NOT NULL AND NOT pg_is_in_recovery() ORDER BY 1
            """,
            "Nobody reads it, and it keeps {1} of WAL: the disk fills.", "-- if nobody comes back for it\nSELECT pg_drop_replication_slot({2});"),
        new("SourceIsStandby", FindingSeverity.Blocker, "SELECT 'the source' WHERE pg_is_in_recovery()",
            "It is a standby; DMS needs the primary for its slot, its heartbeat and its fence.", "Name the primary as the source."),
        new("MayNotReplicate", FindingSeverity.Blocker, $"""
            SELECT 'login ' || l.rolname, quote_ident(l.rolname) FROM pg_roles l WHERE l.rolname = {ReadinessRule.DmsLogin} AND NOT (l.rolsuper OR l.rolreplication OR EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'rds_replication' AND pg_has_role(l.oid, r.oid, 'MEMBER')))
            """,
            "It may make no replication slot: DMS can load, and not follow.", "ALTER ROLE {1} REPLICATION;\n-- on RDS and Aurora: GRANT rds_replication TO {1};"),
        Prepared,
        new("TwoPhaseCommits", FindingSeverity.Info, "SELECT 'max_prepared_transactions = ' || setting FROM pg_settings WHERE name = 'max_prepared_transactions' AND setting <> '0'",
            "Whoever commits in two phases while DMS runs: such changes are not moved, and nobody is told.", "Let no transaction manager write to the source until the cutover."),
        Long,
        new("StatementTimeout", FindingSeverity.Blocker, $"""
            SELECT 'statement_timeout = ' || t.setting || ' for ' || {ReadinessRule.DmsLogin}, quote_ident({ReadinessRule.DmsLogin}) FROM (
                SELECT coalesce(CASE WHEN {ReadinessRule.DmsLogin} = current_user THEN current_setting('statement_timeout') END,
                    (SELECT substr(c, length('statement_timeout=') + 1) FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) c
                     WHERE c LIKE 'statement\_timeout=%' AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = {ReadinessRule.DmsLogin}))
                       AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC LIMIT 1),
                    current_setting('statement_timeout')) AS setting) t
            WHERE t.setting !~ '^0'
            """,
            "The load of a table is one statement: it is ended on the way.", "ALTER ROLE {1} SET statement_timeout = 0;"),
    ];

    /// <summary>Transactions that are prepared.</summary>
    internal static ReadinessRule Prepared => new("TransactionPrepared", FindingSeverity.Blocker, """
        SELECT quote_literal(gid) || ' of ' || owner, quote_literal(gid) FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared
        """,
        "It keeps its locks; a slot cannot be made while it is there, nor a fence be proven.", "-- whether to commit or to roll back, its transaction manager knows\nROLLBACK PREPARED {1};");

    /// <summary>Transactions that are open for minutes.</summary>
    internal static ReadinessRule Long => new("LongTransaction", FindingSeverity.Warning, """
        SELECT 'process ' || pid || ' of ' || usename, date_trunc('second', clock_timestamp() - xact_start)::text, pid::text FROM pg_stat_activity
        WHERE xact_start < clock_timestamp() - interval '1 minute' AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY xact_start
        """,
        "It is open for {1}: slots, fences and index builds wait for its end.", "-- if it may be ended\nSELECT pg_terminate_backend({2});");
}
