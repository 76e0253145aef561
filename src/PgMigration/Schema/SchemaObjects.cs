using Npgsql;

namespace PgMigration;

/// <summary>The objects of a database by what they are called everywhere: kind and quoted name, as pg_identify_object has them.</summary>
internal static class SchemaObjects
{
    /// <summary>What everything is that a schema may hold. Half-built indexes are left out: they are there and are not.</summary>
    private const string All = """
        WITH object(classid, oid) AS (
            SELECT 'pg_class'::regclass::oid, c.oid FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
                WHERE c.oid >= 16384 AND c.relkind <> 't' AND c.relpersistence <> 't' AND (c.relkind <> 'i' OR (i.indisvalid AND i.indisready AND i.indislive))
            UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE oid >= 16384
            UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type WHERE oid >= 16384
            UNION ALL SELECT 'pg_constraint'::regclass, oid FROM pg_constraint WHERE oid >= 16384
            UNION ALL SELECT 'pg_attrdef'::regclass, oid FROM pg_attrdef
            UNION ALL SELECT 'pg_trigger'::regclass, oid FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL SELECT 'pg_rewrite'::regclass, oid FROM pg_rewrite WHERE oid >= 16384
            UNION ALL SELECT 'pg_policy'::regclass, oid FROM pg_policy
            UNION ALL SELECT 'pg_statistic_ext'::regclass, oid FROM pg_statistic_ext
            UNION ALL SELECT 'pg_namespace'::regclass, oid FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
            UNION ALL SELECT 'pg_extension'::regclass, oid FROM pg_extension
            UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language
            UNION ALL SELECT 'pg_event_trigger'::regclass, oid FROM pg_event_trigger
            UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator WHERE oid >= 16384
            UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_opclass WHERE oid >= 16384
            UNION ALL SELECT 'pg_opfamily'::regclass, oid FROM pg_opfamily WHERE oid >= 16384
            UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast WHERE oid >= 16384
            UNION ALL SELECT 'pg_collation'::regclass, oid FROM pg_collation WHERE oid >= 16384
            UNION ALL SELECT 'pg_conversion'::regclass, oid FROM pg_conversion WHERE oid >= 16384
            UNION ALL SELECT 'pg_transform'::regclass, oid FROM pg_transform
            UNION ALL SELECT 'pg_am'::regclass, oid FROM pg_am WHERE oid >= 16384
            UNION ALL SELECT 'pg_ts_config'::regclass, oid FROM pg_ts_config WHERE oid >= 16384
            UNION ALL SELECT 'pg_ts_dict'::regclass, oid FROM pg_ts_dict WHERE oid >= 16384
            UNION ALL SELECT 'pg_ts_parser'::regclass, oid FROM pg_ts_parser WHERE oid >= 16384
            UNION ALL SELECT 'pg_ts_template'::regclass, oid FROM pg_ts_template WHERE oid >= 16384
            UNION ALL SELECT 'pg_foreign_server'::regclass, oid FROM pg_foreign_server
            UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper
            UNION ALL SELECT 'pg_user_mapping'::regclass, umid FROM pg_user_mappings
            UNION ALL SELECT 'pg_default_acl'::regclass, oid FROM pg_default_acl)
        SELECT classid, i.identity FROM object, LATERAL pg_identify_object(classid, oid, 0) i WHERE i.identity IS NOT NULL
        """;

    /// <summary>All that is on a server.</summary>
    public static async Task<HashSet<(uint ClassId, string Identity)>> AllAsync(NpgsqlConnection session, CancellationToken cancel) =>
        [.. await session.RowsAsync(All, row => (row.GetFieldValue<uint>(0), row.GetString(1)), cancel)];

    /// <summary>Tables that have triggers, and those.</summary>
    public static async Task<HashSet<(uint ClassId, string Identity)>> TablesAndTriggersAsync(NpgsqlConnection session, CancellationToken cancel) => [.. await session.RowsAsync("""
        SELECT 'pg_class'::regclass::oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'f') AND c.oid >= 16384
        UNION ALL SELECT 'pg_trigger'::regclass, i.identity FROM pg_trigger t, LATERAL pg_identify_object('pg_trigger'::regclass, t.oid, 0) i WHERE NOT t.tgisinternal
        """, row => (row.GetFieldValue<uint>(0), row.GetString(1)), cancel)];

    /// <summary>What catalog rows are called; those that are gone meanwhile are left out.</summary>
    public static async Task<IReadOnlyDictionary<(uint ClassId, uint Oid), string>> NamesAsync(NpgsqlConnection session, IEnumerable<(uint ClassId, uint Oid)> rows, CancellationToken cancel)
    {
        var asked = rows.Where(row => row.ClassId != 0).Distinct().ToArray();
        var names = await session.RowsAsync(
            "SELECT c, o, i.identity FROM unnest(@classes, @oids) AS x(c, o), LATERAL pg_identify_object(c::oid, o::oid, 0) i WHERE i.identity IS NOT NULL",
            row => (Class: (uint)row.GetInt64(0), Oid: (uint)row.GetInt64(1), Name: row.GetString(2)), cancel,
            new NpgsqlParameter<long[]>("classes", [.. asked.Select(row => (long)row.ClassId)]), new NpgsqlParameter<long[]>("oids", [.. asked.Select(row => (long)row.Oid)]));
        return names.ToDictionary(row => (row.Class, row.Oid), row => row.Name);
    }
}
