namespace PgMigration;

/// <summary>What DMS leaves out, cuts or alters of tables, by what the source's catalogs say of them.</summary>
/// <remarks>Source: the DMS user guide, "Using a PostgreSQL database as a source": limitations and data types.</remarks>
internal static class DmsTableRules
{
    private const string NoKey = $"""
        FROM {ReadinessRule.AppTables} LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
        WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND {RowIdentity.Gap} IN ('{RowIdentity.NoKey}', '{RowIdentity.Nothing}') AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
        """;

    public static IReadOnlyList<ReadinessRule> All { get; } =
    [
        new("KeylessTableChanges", FindingSeverity.Blocker, $"SELECT {ReadinessRule.Table}, (s.n_tup_upd + s.n_tup_del)::text {NoKey} AND s.n_tup_upd + s.n_tup_del > 0 ORDER BY 1",
            "It has no primary key, and {1} of its rows were updated or deleted so far: DMS does not move such changes, and says nothing.", "ALTER TABLE {0} ADD PRIMARY KEY (…);\n-- or, if it has none to offer\nALTER TABLE {0} REPLICA IDENTITY FULL;"),
        new("NoPrimaryKey", FindingSeverity.Warning, $"SELECT {ReadinessRule.Table} {NoKey} AND coalesce(s.n_tup_upd + s.n_tup_del, 0) = 0 ORDER BY 1",
            "It has no primary key: inserts are moved, updates and deletes would not be; DMS does not validate it.", "ALTER TABLE {0} ADD PRIMARY KEY (…);"),
        new("ArrayWithoutPrimaryKey", FindingSeverity.Blocker, $"""
            SELECT {ReadinessRule.Table}, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM {ReadinessRule.AppColumns}
            WHERE t.typcategory = 'A' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) GROUP BY 1 ORDER BY 1
            """,
            "It has array columns ({1}) and no primary key: its load fails.", "ALTER TABLE {0} ADD PRIMARY KEY (…);"),
        new("ReplicaIdentityNothing", FindingSeverity.Blocker, $"SELECT {ReadinessRule.Table} FROM {ReadinessRule.AppTables} WHERE c.relkind IN ('r', 'p') AND c.relreplident = 'n' ORDER BY 1",
            "Its updates and deletes do not say which row they are about: they are not moved.", "ALTER TABLE {0} REPLICA IDENTITY DEFAULT;"),
        new("ReplicaIdentityIndexGone", FindingSeverity.Blocker, $"SELECT {ReadinessRule.Table} FROM {ReadinessRule.AppTables} WHERE c.relkind IN ('r', 'p') AND {RowIdentity.Gap} = '{RowIdentity.IndexGone}' ORDER BY 1",
            "Its replica identity is an index that was dropped, which is as good as none: its updates and deletes do not say which row they are about, and are not moved.", "ALTER TABLE {0} REPLICA IDENTITY DEFAULT;\n-- or FULL, where it has no primary key"),
        new("DeferrablePrimaryKey", FindingSeverity.Blocker, $"SELECT {ReadinessRule.Table} FROM {ReadinessRule.AppTables} WHERE c.relkind = 'r' AND {RowIdentity.Gap} = '{RowIdentity.DeferrableKey}' ORDER BY 1",
            "Its primary key is deferrable, and such a key identifies no row: its updates and deletes are not moved.", "ALTER TABLE {0} REPLICA IDENTITY FULL;\n-- or make the key anew, not deferrable"),
        new("KeyIsUpdated", FindingSeverity.Warning, $"""
            SELECT DISTINCT {ReadinessRule.Table}, string_agg(DISTINCT quote_ident(k.conname), ', ') FROM pg_constraint k JOIN {ReadinessRule.AppTables} ON c.oid = k.confrelid WHERE k.contype = 'f' AND k.confupdtype = 'c' GROUP BY 1 ORDER BY 1
            """,
            "Foreign keys ({1}) follow updates of its key, so somebody makes some: DMS ignores a changed primary key, without a trace.", "Change no key of {0} while DMS runs, or compare it before the cutover."),
        new("LargeKey", FindingSeverity.Blocker, $"""
            SELECT {ReadinessRule.Column}, format_type(a.atttypid, a.atttypmod) FROM {ReadinessRule.AppColumns} JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey) WHERE {LobTypes.IsNoKey} ORDER BY 1
            """,
            "A primary key of type {1} is a large object to DMS, which writes a row without those first: NULL in a key is refused, and the table's load or its first change fails.", "-- give it a bound that every value keeps\nALTER TABLE … ALTER COLUMN … TYPE varchar(255);"),
        new("GeneratedColumn", FindingSeverity.Blocker, $"SELECT {ReadinessRule.Column}, {ReadinessRule.Table}, quote_ident(a.attname) FROM {ReadinessRule.AppColumns} WHERE a.attgenerated <> '' ORDER BY 1",
            "DMS brings a value for it, and the target refuses every row.", "-- on the target, before the load (the values come along, new ones do not: set them by a trigger until it is made anew)\nALTER TABLE {1} ALTER COLUMN {2} DROP EXPRESSION;\n-- or leave the column out by a remove-column rule of the task"),
        new("UnloggedTable", FindingSeverity.Warning, $"SELECT {ReadinessRule.Table} FROM {ReadinessRule.AppTables} WHERE c.relkind = 'r' AND c.relpersistence = 'u' ORDER BY 1",
            "It is unlogged: DMS loads its rows and moves none of its changes.", "ALTER TABLE {0} SET LOGGED;\n-- or fill it anew after the cutover"),
        new("PartitionedTable", FindingSeverity.Info, $"SELECT {ReadinessRule.Table}, (SELECT count(*)::text FROM pg_inherits h WHERE h.inhparent = c.oid) FROM {ReadinessRule.AppTables} WHERE c.relkind = 'p' ORDER BY 1",
            "Its {1} partitions are moved as tables of their own; one that is attached meanwhile is not.", "Make them on the target first (Copy-PgSchema -Section PreData), and the partitions of the coming days on both sides before DMS starts."),
        new("InheritedTable", FindingSeverity.Warning, $"""
            SELECT {ReadinessRule.Table}, string_agg(h.inhrelid::regclass::text, ', ' ORDER BY h.inhrelid::regclass::text) FROM {ReadinessRule.AppTables} JOIN pg_inherits h ON h.inhparent = c.oid WHERE c.relkind = 'r' GROUP BY 1 ORDER BY 1
            """,
            "Tables inherit from it ({1}), and a query of it shows their rows too. They are moved as tables of their own; whether DMS then brings them once more with the parent, its guide does not say.", "Once it is loaded, ask both servers for SELECT count(*) FROM ONLY {0}; the cutover compares the same. Rows that came twice are removed on the target: DELETE FROM ONLY {0} …"),
        new("UnboundedNumeric", FindingSeverity.Warning, $"SELECT {ReadinessRule.Column} FROM {ReadinessRule.AppColumns} WHERE a.atttypid = 'numeric'::regtype AND a.atttypmod = -1 ORDER BY 1",
            "A numeric without bounds becomes one of 28 digits with 6 behind the point: 0.611111104488373 arrives as 0.611111, without a word.", "Set the extra connection attribute MapUnboundedNumericAsString=true on the source endpoint (Start-PgDmsReplication does), or give the column its bounds."),
        new("Money", FindingSeverity.Warning, $"SELECT {ReadinessRule.Column}, {ReadinessRule.Table}, quote_ident(a.attname) FROM {ReadinessRule.AppColumns} WHERE a.atttypid = 'money'::regtype ORDER BY 1",
            "DMS does not know the type money, and its text depends on lc_monetary on each side.", "ALTER TABLE {1} ALTER COLUMN {2} TYPE numeric(19,2);"),
        new("InfiniteDate", FindingSeverity.Blocker, $"""
            SELECT {ReadinessRule.Column} FROM {ReadinessRule.AppColumns} JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
            WHERE a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) AND (s.histogram_bounds::text LIKE '%infinity%' OR s.most_common_vals::text LIKE '%infinity%') ORDER BY 1
            """,
            "Its statistics show infinite dates: DMS cannot hold them, and moves other ones or fails.", "Give them a date that says the same, such as NULL or 9999-12-31, on the source before the load."),
        new("InfiniteDateUnknown", FindingSeverity.Warning, $"""
            SELECT {ReadinessRule.Table}, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM {ReadinessRule.AppColumns} LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
            WHERE a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) AND s.attname IS NULL AND pg_relation_size(c.oid) > 0 GROUP BY 1 ORDER BY 1
            """,
            "Nobody has analyzed its dates ({1}), so whether some are infinite is not known: DMS cannot hold those, and moves other ones or fails.", "ANALYZE {0};\n-- and ask again"),
        new("TypeMisread", FindingSeverity.Warning, $"""
            SELECT {ReadinessRule.Column}, format_type(a.atttypid, a.atttypmod) FROM {ReadinessRule.AppColumns} WHERE t.typtype IN ('c', 'r', 'm') OR a.atttypid IN ('pg_lsn'::regtype, 'xid'::regtype, 'tid'::regtype, 'jsonpath'::regtype) ORDER BY 1
            """,
            "DMS moves the type {1} as text or not at all.", "Compare it before the cutover, or leave it out and copy it by hand."),
        new("LargeDomainNotNull", FindingSeverity.Blocker, $"SELECT {ReadinessRule.Column}, format_type(a.atttypid, NULL) FROM {ReadinessRule.AppColumns} WHERE t.typtype = 'd' AND t.typnotnull AND {LobTypes.IsLob} ORDER BY 1",
            "Its domain {1} forbids NULL, and a row's large values arrive after it: the load fails.", "-- on the target, before the load; the other way round after it\nALTER DOMAIN {1} DROP NOT NULL;"),
        new("LargeObjects", FindingSeverity.Blocker, "SELECT count(*) || ' large objects (pg_largeobject)' FROM pg_largeobject_metadata HAVING count(*) > 0",
            "DMS does not move them: columns with their numbers would point at nothing.", "Copy them by hand after the fence (lo_export and lo_import, or pg_dump --large-objects), or move them into bytea columns first."),
        new("RowSecurity", FindingSeverity.Blocker, $"""
            SELECT {ReadinessRule.Table}, quote_ident(l.rolname) FROM {ReadinessRule.AppTables} JOIN pg_roles l ON l.rolname = {ReadinessRule.DmsLogin} AND NOT l.rolsuper AND NOT l.rolbypassrls
            WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity AND (c.relforcerowsecurity OR NOT pg_has_role(l.oid, c.relowner, 'USAGE')) ORDER BY 1
            """,
            "Row security hides rows of it from {1}: they are not moved.", "ALTER ROLE {1} BYPASSRLS;\n-- or let DMS log in as the table's owner"),
        new("NotReadable", FindingSeverity.Blocker, $"""
            SELECT {ReadinessRule.Table}, quote_ident(l.rolname) FROM {ReadinessRule.AppTables} JOIN pg_roles l ON l.rolname = {ReadinessRule.DmsLogin}
            WHERE c.relkind IN ('r', 'p') AND NOT (has_schema_privilege(l.oid, n.oid, 'USAGE') AND has_table_privilege(l.oid, c.oid, 'SELECT')) ORDER BY 1
            """,
            "The login {1} may not read it: DMS skips it or fails.", "GRANT SELECT ON {0} TO {1};\n-- and USAGE on its schema"),
    ];
}
