using Npgsql;

namespace PgMigration;

/// <summary>What a target has already, and what its login may do there.</summary>
internal sealed class SchemaTarget
{
    private const string Names = "quote_ident(n.nspname) || '.' || quote_ident(c.relname)";

    private const string Columns = $"""
        SELECT {Names}, quote_ident(a.attname), a.attnotnull, a.attidentity::text
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped
        """;

    private const string Keyed = $"SELECT DISTINCT {Names} FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indisprimary AND c.oid >= 16384";

    private const string HalfBuilt = "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i' JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT (i.indisvalid AND i.indisready AND i.indislive)";

    private const string Unchecked = "SELECT i.identity FROM pg_constraint k, LATERAL pg_identify_object('pg_constraint'::regclass, k.oid, 0) i WHERE NOT k.convalidated";

    private const string Empty = $"SELECT {Names} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'm' AND NOT c.relispopulated";

    // Rows that nobody has counted: the first queries of an app would be planned blindly.
    private const string Uncounted = "SELECT quote_ident(schemaname) || '.' || quote_ident(relname) FROM pg_stat_user_tables WHERE n_live_tup > 0 AND last_analyze IS NULL AND last_autoanalyze IS NULL";

    // From 16 on a member may take on a role's objects only with its SET option.
    private const string Roles = """
        SELECT r.rolname::text, current_setting('is_superuser') = 'on' OR pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) FROM pg_roles r
        """;

    private const string Extensions = """
        SELECT a.name::text, bool_or(v.trusted OR NOT v.superuser) FROM pg_available_extensions a JOIN pg_available_extension_versions v ON v.name = a.name AND v.version = a.default_version GROUP BY 1
        """;

    private const string SchemaRights = "SELECT r.rolname::text, n.nspname::text FROM pg_roles r, pg_namespace n WHERE n.nspname !~ '^pg_' AND NOT has_schema_privilege(r.oid, n.oid, 'CREATE')";

    /// <summary>Whether the login is a superuser.</summary>
    public bool IsSuperuser { get; init; }

    /// <summary>Whether it is a managed service's next best: rds_superuser makes extensions and event triggers, too.</summary>
    public bool IsServiceAdmin { get; init; }

    /// <summary>Everything that is there, by kind of catalog and quoted name.</summary>
    public required IReadOnlySet<(uint ClassId, string Identity)> Objects { get; init; }

    /// <summary>Columns: whether they may be null, and whether they are an identity (a, d or nothing).</summary>
    public required IReadOnlyDictionary<(string Table, string Column), (bool IsNotNull, string Identity)> ColumnOf { get; init; }

    /// <summary>Tables with a primary key, whatever it is called.</summary>
    public IReadOnlySet<string> KeyedTables { get; init; } = new HashSet<string>();

    /// <summary>Indexes that an interrupted build left behind.</summary>
    public IReadOnlySet<string> HalfBuiltIndexes { get; init; } = new HashSet<string>();

    /// <summary>Constraints that not all rows were checked against.</summary>
    public IReadOnlySet<string> UncheckedConstraints { get; init; } = new HashSet<string>();

    /// <summary>Materialized views without contents.</summary>
    public IReadOnlySet<string> EmptyViews { get; init; } = new HashSet<string>();

    /// <summary>Tables with rows and without statistics.</summary>
    public IReadOnlySet<string> UncountedTables { get; init; } = new HashSet<string>();

    /// <summary>Roles, and whether the login may give them objects.</summary>
    public IReadOnlyDictionary<string, bool> RoleOf { get; init; } = new Dictionary<string, bool>();

    /// <summary>Extensions that it offers, and whether one need be no superuser to make them.</summary>
    public IReadOnlyDictionary<string, bool> OfferedExtensions { get; init; } = new Dictionary<string, bool>();

    /// <summary>Roles that may not create in a schema, so that nothing in it can be given to them.</summary>
    public IReadOnlySet<(string Role, string Schema)> Barred { get; init; } = new HashSet<(string Role, string Schema)>();

    /// <summary>Comments, grants and the like.</summary>
    public ILookup<(string Kind, uint ClassId, string Identity), SchemaState> States { get; init; } = SchemaState.None;

    /// <summary>Reads all of it; changes nothing.</summary>
    public static async Task<SchemaTarget> ReadAsync(NpgsqlConnection session, CancellationToken cancel)
    {
        await session.ExecuteAsync("SET search_path = ''", cancel);
        return new SchemaTarget
        {
            IsSuperuser = await session.ScalarAsync<bool>("SELECT current_setting('is_superuser') = 'on'", cancel),
            IsServiceAdmin = await session.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_superuser' AND pg_has_role(oid, 'MEMBER'))", cancel),
            Objects = await SchemaObjects.AllAsync(session, cancel),
            ColumnOf = await ColumnsAsync(session, cancel),
            KeyedTables = await NamesAsync(Keyed),
            HalfBuiltIndexes = await NamesAsync(HalfBuilt),
            UncheckedConstraints = await NamesAsync(Unchecked),
            EmptyViews = await NamesAsync(Empty),
            UncountedTables = await NamesAsync(Uncounted),
            RoleOf = (await session.RowsAsync(Roles, row => (Key: row.GetString(0), Of: row.GetBoolean(1)), cancel)).ToDictionary(row => row.Key, row => row.Of, StringComparer.Ordinal),
            OfferedExtensions = (await session.RowsAsync(Extensions, row => (Key: row.GetString(0), Of: row.GetBoolean(1)), cancel)).ToDictionary(row => row.Key, row => row.Of, StringComparer.Ordinal),
            Barred = (await session.RowsAsync(SchemaRights, row => (row.GetString(0), row.GetString(1)), cancel)).ToHashSet(),
            States = await SchemaState.ReadAsync(session, cancel),
        };

        async Task<IReadOnlySet<string>> NamesAsync(string sql) => (await session.RowsAsync(sql, row => row.GetString(0), cancel)).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Reads only what the section Final is about, which is asked for while the app may wait.</summary>
    public static async Task<SchemaTarget> ReadFinalAsync(NpgsqlConnection session, CancellationToken cancel) =>
        new() { Objects = await SchemaObjects.TablesAndTriggersAsync(session, cancel), ColumnOf = await ColumnsAsync(session, cancel) };

    private static async Task<IReadOnlyDictionary<(string, string), (bool, string)>> ColumnsAsync(NpgsqlConnection session, CancellationToken cancel) =>
        (await session.RowsAsync(Columns, row => (Key: (row.GetString(0), row.GetString(1)), Of: (row.GetBoolean(2), row.GetString(3))), cancel)).ToDictionary(row => row.Key, row => row.Of);
}
