using Npgsql;

namespace PgMigration;

/// <summary>What a dump does not say of its objects, from the source's catalogs.</summary>
internal sealed class SchemaSource
{
    private const string Names = "quote_ident(n.nspname) || '.' || quote_ident(c.relname)";

    // Our own tables, and those of DMS, are no part of what is copied.
    private const string IsApps = $"n.nspname <> '{MarkTable.Schema}' AND c.relname !~ '^awsdms_'";

    // A partition gets what its parent has when the parent gets it.
    private const string LargeNotNulls = $"""
        SELECT {Names}, quote_ident(a.attname), a.attnum, EXISTS (
            SELECT FROM pg_inherits h JOIN pg_attribute p ON p.attrelid = h.inhparent AND p.attname = a.attname AND p.attnotnull WHERE h.inhrelid = c.oid)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid >= 16384 AND {IsApps} AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND {LobTypes.IsLob}
          AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND (i.indisprimary OR (i.indisreplident AND c.relreplident = 'i')) AND a.attnum = ANY (i.indkey))
        ORDER BY 1, 3
        """;

    private const string LargeChecks = $"""
        SELECT {Names}, quote_ident(k.conname), pg_get_constraintdef(k.oid), k.coninhcount > 0
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid AND c.relkind IN ('r', 'p') JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE k.contype = 'c' AND {IsApps} AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey) AND {LobTypes.IsLob})
        ORDER BY 1, 2
        """;

    private const string Identities = $"""
        SELECT {Names}, quote_ident(a.attname), d.objid
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = a.attnum AND d.deptype = 'i'
        WHERE c.relkind IN ('r', 'p') AND {IsApps} AND NOT c.relispartition AND a.attidentity = 'a' AND NOT a.attisdropped ORDER BY 1, 2
        """;

    // Enabled for replication too (A), or for it alone (R).
    private const string Eager = $"""
        SELECT t.oid, {Names}, quote_ident(t.tgname), pg_get_triggerdef(t.oid), CASE t.tgenabled WHEN 'A' THEN 'ALWAYS' ELSE 'REPLICA' END
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {IsApps} AND NOT t.tgisinternal AND t.tgenabled IN ('A', 'R') AND t.tgparentid = 0 ORDER BY 2, 3
        """;

    // Where a table names an index as its replica identity, changes find their rows by that one.
    private const string Keys = $"""
        SELECT 'pg_constraint'::regclass::oid, k.oid, {Names}, k.contype = 'p' FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = k.conindid
        WHERE k.contype = 'p' OR (k.contype = 'u' AND i.indisreplident AND c.relreplident = 'i')
        UNION ALL
        SELECT 'pg_class'::regclass, i.indexrelid, {Names}, false FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE i.indisreplident AND c.relreplident = 'i' AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
        """;

    private const string Indexes = $"""
        SELECT i.indexrelid, {Names}, pg_get_indexdef(i.indexrelid), pg_table_size(i.indexrelid), c.relkind = 'p'
        FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE i.indexrelid >= 16384 AND c.relkind <> 't'
        """;

    private const string Constraints = $"""
        SELECT k.oid, {Names}, k.convalidated, c.relkind = 'p' FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        """;

    // What cannot be made without a superuser, since its language can do anything on the server's machine.
    // An aggregate is in the language internal by name only: what it calls is a function of its own.
    private const string Untrusted = """
        SELECT p.oid, CASE p.prokind WHEN 'a' THEN 'aggregates with a state of type internal' ELSE 'functions in ' || l.lanname END
        FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang AND NOT l.lanpltrusted LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
        WHERE p.oid >= 16384 AND (p.prokind <> 'a' OR 'internal'::regtype IN (a.aggtranstype, a.aggmtranstype))
        """;

    private const string Filled = $"SELECT {Names} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'm' AND c.relispopulated";

    private const string Tablespaces = "SELECT quote_ident(t.spcname), count(*) FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'i', 'I', 'm') GROUP BY 1 ORDER BY 1";

    // DMS's login, and whoever else only replicates, is the source's affair.
    private const string Database = """
        SELECT 'CONNECT', format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', d.datname) FROM pg_database d
        WHERE d.datname = current_database() AND d.datacl IS NOT NULL AND NOT EXISTS (SELECT FROM aclexplode(d.datacl) x WHERE x.grantee = 0 AND x.privilege_type = 'CONNECT')
        UNION ALL
        SELECT 'rights of ' || quote_ident(r.rolname), format('GRANT %s ON DATABASE %I TO %I', string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type), d.datname, r.rolname)
        FROM pg_database d CROSS JOIN LATERAL aclexplode(d.datacl) x JOIN pg_roles r ON r.oid = x.grantee AND r.oid <> d.datdba AND NOT r.rolreplication
        WHERE d.datname = current_database() GROUP BY d.datname, r.rolname
        UNION ALL
        SELECT 'comment', format('COMMENT ON DATABASE %I IS %L', d.datname, shobj_description(d.oid, 'pg_database')) FROM pg_database d WHERE d.datname = current_database() AND shobj_description(d.oid, 'pg_database') IS NOT NULL
        ORDER BY 1
        """;

    // The fence's own setting is the source's affair.
    private const string Settings = """
        SELECT quote_ident(s[1]), coalesce(quote_ident(r.rolname), ''), format('ALTER %sDATABASE %I SET %I = %L', CASE WHEN r.oid IS NULL THEN '' ELSE format('ROLE %I IN ', r.rolname) END, current_database(), s[1], s[2])
        FROM pg_db_role_setting d LEFT JOIN pg_roles r ON r.oid = d.setrole, unnest(d.setconfig) AS c(text), LATERAL (SELECT ARRAY[split_part(text, '=', 1), substr(text, strpos(text, '=') + 1)]) AS x(s)
        WHERE d.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s[1] <> 'default_transaction_read_only' ORDER BY 2, 1
        """;

    /// <summary>The quoted names of the entries' objects, by their catalog rows.</summary>
    public IReadOnlyDictionary<(uint ClassId, uint Oid), string> Identity { get; init; } = new Dictionary<(uint ClassId, uint Oid), string>();

    /// <summary>The quoted schema and name of the entries that are no object, by their number.</summary>
    public IReadOnlyDictionary<int, string> QuotedTag { get; init; } = new Dictionary<int, string>();

    /// <summary>Large columns that must not be null, outside keys.</summary>
    public IReadOnlyList<(string Table, string Column, int Number, bool Inherited)> NotNulls { get; init; } = [];

    /// <summary>Checks on large columns.</summary>
    public IReadOnlyList<(string Table, string Name, string Definition, bool Inherited)> Checks { get; init; } = [];

    /// <summary>Identity columns that refuse values of others, with their sequences.</summary>
    public required IReadOnlyList<(string Table, string Column, uint Sequence)> AlwaysIdentities { get; init; }

    /// <summary>Triggers that fire for replication.</summary>
    public required IReadOnlyList<(uint Oid, string Table, string Name, string Definition, string Enabled)> EagerTriggers { get; init; }

    /// <summary>What finds the rows of changes: constraints and indexes by their catalog rows, with their table, and whether it is the primary key.</summary>
    public IReadOnlyDictionary<(uint ClassId, uint Oid), (string Table, bool IsPrimary)> KeyOf { get; init; } = new Dictionary<(uint ClassId, uint Oid), (string Table, bool IsPrimary)>();

    /// <summary>Every index: its table, its statement, its size in bytes, whether that table has partitions.</summary>
    public IReadOnlyDictionary<uint, (string Table, string Definition, long Bytes, bool IsPartitioned)> IndexOf { get; init; } = new Dictionary<uint, (string Table, string Definition, long Bytes, bool IsPartitioned)>();

    /// <summary>Every constraint: its table, whether the rows satisfy it, whether that table has partitions.</summary>
    public IReadOnlyDictionary<uint, (string Table, bool IsValid, bool IsPartitioned)> ConstraintOf { get; init; } = new Dictionary<uint, (string Table, bool IsValid, bool IsPartitioned)>();

    /// <summary>Functions and aggregates that only a superuser can make, with what they are.</summary>
    public IReadOnlyDictionary<uint, string> UntrustedFunctions { get; init; } = new Dictionary<uint, string>();

    /// <summary>Materialized views with contents.</summary>
    public IReadOnlySet<string> FilledViews { get; init; } = new HashSet<string>();

    /// <summary>Tablespaces other than the database's own, and how many objects lie in each.</summary>
    public IReadOnlyList<(string Name, long Objects)> UsedTablespaces { get; init; } = [];

    /// <summary>Settings that the database brings along, each with its role and its statement.</summary>
    public IReadOnlyList<(string Name, string Role, string Statement)> DatabaseSettings { get; init; } = [];

    /// <summary>What the database itself has of rights and comment, each with its statement.</summary>
    public IReadOnlyList<(string Name, string Statement)> DatabaseRights { get; init; } = [];

    /// <summary>Comments, grants and the like.</summary>
    public ILookup<(string Kind, uint ClassId, string Identity), SchemaState> States { get; init; } = SchemaState.None;

    /// <summary>Reads all of it, by a session whose search_path is empty.</summary>
    public static async Task<SchemaSource> ReadAsync(NpgsqlConnection session, IReadOnlyList<SchemaEntry> entries, CancellationToken cancel)
    {
        var tagged = entries.Where(entry => entry.Schema != "-").ToArray();
        var last = await ReadFinalAsync(session, cancel);
        var quoted = await session.RowsAsync("SELECT quote_ident(s) || '.' || quote_ident(t) FROM unnest(@schemas, @tags) WITH ORDINALITY AS x(s, t, i) ORDER BY i", row => row.GetString(0), cancel,
            new NpgsqlParameter<string[]>("schemas", [.. tagged.Select(entry => entry.Schema)]), new NpgsqlParameter<string[]>("tags", [.. tagged.Select(entry => entry.Tag)]));
        return new SchemaSource
        {
            AlwaysIdentities = last.AlwaysIdentities,
            EagerTriggers = last.EagerTriggers,
            Identity = await SchemaObjects.NamesAsync(session, entries.Select(entry => (entry.ClassId, entry.Oid)), cancel),
            QuotedTag = Enumerable.Range(0, tagged.Length).ToDictionary(i => tagged[i].Id, i => quoted[i]),
            NotNulls = await session.RowsAsync(LargeNotNulls, row => (row.GetString(0), row.GetString(1), (int)row.GetInt16(2), row.GetBoolean(3)), cancel),
            Checks = await session.RowsAsync(LargeChecks, row => (row.GetString(0), row.GetString(1), row.GetString(2), row.GetBoolean(3)), cancel),
            KeyOf = (await session.RowsAsync(Keys, row => (Key: (row.GetFieldValue<uint>(0), row.GetFieldValue<uint>(1)), Of: (row.GetString(2), row.GetBoolean(3))), cancel)).ToDictionary(row => row.Key, row => row.Of),
            IndexOf = (await session.RowsAsync(Indexes, row => (Key: row.GetFieldValue<uint>(0), Of: (row.GetString(1), row.GetString(2), row.GetInt64(3), row.GetBoolean(4))), cancel)).ToDictionary(row => row.Key, row => row.Of),
            ConstraintOf = (await session.RowsAsync(Constraints, row => (Key: row.GetFieldValue<uint>(0), Of: (row.GetString(1), row.GetBoolean(2), row.GetBoolean(3))), cancel)).ToDictionary(row => row.Key, row => row.Of),
            UntrustedFunctions = (await session.RowsAsync(Untrusted, row => (Key: row.GetFieldValue<uint>(0), Of: row.GetString(1)), cancel)).ToDictionary(row => row.Key, row => row.Of),
            FilledViews = (await session.RowsAsync(Filled, row => row.GetString(0), cancel)).ToHashSet(StringComparer.Ordinal),
            UsedTablespaces = await session.RowsAsync(Tablespaces, row => (row.GetString(0), row.GetInt64(1)), cancel),
            DatabaseSettings = await session.RowsAsync(Settings, row => (row.GetString(0), row.GetString(1), row.GetString(2)), cancel),
            DatabaseRights = await session.RowsAsync(Database, row => (row.GetString(0), row.GetString(1)), cancel),
            States = await SchemaState.ReadAsync(session, cancel),
        };
    }

    /// <summary>Reads only what the section Final is about, which is asked for while the app may wait.</summary>
    public static async Task<SchemaSource> ReadFinalAsync(NpgsqlConnection session, CancellationToken cancel)
    {
        return new SchemaSource
        {
            AlwaysIdentities = await session.RowsAsync(Identities, row => (row.GetString(0), row.GetString(1), row.GetFieldValue<uint>(2)), cancel),
            EagerTriggers = await session.RowsAsync(Eager, row => (row.GetFieldValue<uint>(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4)), cancel),
        };
    }
}
