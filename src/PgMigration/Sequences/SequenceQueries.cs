namespace PgMigration;

/// <summary>What is asked of the catalog.</summary>
internal static class SequenceQueries
{
    /// <summary>smallint, integer, bigint and numeric with the domains over them: type → base type.</summary>
    private const string BaseTypes = """
        base(oid, root) AS (
            SELECT oid, oid FROM pg_type WHERE oid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
            UNION ALL
            SELECT t.oid, b.root FROM pg_type t JOIN base b ON t.typbasetype = b.oid WHERE t.typtype = 'd')
        """;

    /// <summary>What must be known of a column; expects pg_class c, pg_namespace n, pg_attribute a.</summary>
    private const string ColumnFields = """
            n.nspname AS schema, c.relname AS table, a.attname AS column, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS quoted_table, quote_ident(a.attname) AS quoted_column,
            (SELECT format_type(root, NULL) FROM base WHERE base.oid = a.atttypid) AS base_type, a.attnotnull, pg_get_userbyid(c.relowner) AS table_owner,
            ARRAY(SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
                FROM aclexplode(c.relacl) WHERE privilege_type = 'INSERT' AND grantee <> c.relowner) AS inserters,
            EXISTS (SELECT FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
                WHERE i.indrelid = c.oid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL AND am.amname = 'btree') AS is_indexed,
            current_setting('block_size')::bigint * CASE c.relkind WHEN 'p'
                THEN (SELECT coalesce(sum(greatest(part.relpages, 0)), 0)::bigint FROM pg_inherits i JOIN pg_class part ON part.oid = i.inhrelid WHERE i.inhparent = c.oid)
                ELSE greatest(c.relpages, 0) END AS table_bytes,
            c.relkind = 'p' OR c.relhassubclass AS has_children,
            CASE WHEN c.oid IS NULL THEN NULL
                WHEN c.relpersistence = 'u' AND pg_is_in_recovery() THEN 'an unlogged table cannot be read on a standby'
                WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN format('the login has no USAGE on schema %I', n.nspname)
                WHEN NOT has_column_privilege(c.oid, a.attnum, 'SELECT') THEN format('the login may not read %I.%I', n.nspname, c.relname)
                WHEN row_security_active(c.oid) THEN format('row security hides rows of %I.%I from the login', n.nspname, c.relname)
                END AS column_problem
        """;

    /// <summary>
    /// Every sequence with every column that takes from it. A column is tied to a sequence by its default (pg_depend knows the regclass in
    /// it; a name given as text is read from the expression), by being an identity column, or by owning it. Partitions and children that
    /// take from their parent's sequence are left out: the parent's values hold theirs.
    /// </summary>
    public const string Uses = $"""
        WITH RECURSIVE {BaseTypes},
        defaults AS (
            SELECT ad.adrelid AS relid, ad.adnum AS attnum, d.refobjid AS seqid, pg_get_expr(ad.adbin, ad.adrelid) AS expression
            FROM pg_depend d JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S' JOIN pg_attrdef ad ON ad.oid = d.objid
            WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n'),
        late AS (
            SELECT x.adrelid AS relid, x.adnum AS attnum, s.oid AS seqid, x.expression
            FROM (SELECT adrelid, adnum, pg_get_expr(adbin, adrelid) AS expression FROM pg_attrdef
                  WHERE NOT EXISTS (SELECT FROM defaults WHERE relid = adrelid AND defaults.attnum = adnum)) x
            CROSS JOIN LATERAL (SELECT replace((regexp_match(x.expression, 'nextval\(+''((?:[^'']|'''')+)''::text'))[1], '''''', '''') AS name) m
            JOIN pg_class s ON s.relkind = 'S' JOIN pg_namespace sn ON sn.oid = s.relnamespace
                AND (m.name IN (format('%I.%I', sn.nspname, s.relname), sn.nspname || '.' || s.relname)
                     OR (m.name IN (quote_ident(s.relname), s.relname) AND pg_table_is_visible(s.oid)))
            WHERE m.name IS NOT NULL),
        owned AS (
            SELECT refobjid AS relid, refobjsubid::int2 AS attnum, objid AS seqid, deptype
            FROM pg_depend WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND refobjsubid > 0 AND deptype IN ('a', 'i')),
        tied AS (SELECT * FROM defaults UNION SELECT * FROM late),
        used AS (
            SELECT * FROM tied
            UNION ALL
            SELECT relid, attnum, seqid, NULL FROM owned o WHERE NOT EXISTS (SELECT FROM tied WHERE tied.relid = o.relid AND tied.attnum = o.attnum AND tied.seqid = o.seqid)),
        shown AS (
            SELECT * FROM used u WHERE NOT EXISTS (SELECT FROM pg_inherits i JOIN used p ON p.relid = i.inhparent AND p.seqid = u.seqid WHERE i.inhrelid = u.relid))
        SELECT sn.nspname AS sequence_schema, s.relname AS sequence_name, format('%I.%I', sn.nspname, s.relname) AS sequence,
            format_type(q.seqtypid, NULL) AS data_type, q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, q.seqcycle, pg_get_userbyid(s.relowner) AS owner,
            CASE WHEN s.relpersistence = 'u' AND pg_is_in_recovery() THEN 'an unlogged sequence cannot be read on a standby'
                WHEN NOT has_schema_privilege(sn.oid, 'USAGE') THEN format('the login has no USAGE on schema %I', sn.nspname)
                WHEN NOT has_sequence_privilege(s.oid, 'SELECT') THEN format('the login may not read the sequence %I.%I', sn.nspname, s.relname) END AS problem,
            CASE WHEN s.relpersistence = 'u' AND pg_is_in_recovery() THEN NULL
                WHEN has_sequence_privilege(s.oid, 'SELECT, USAGE') THEN pg_sequence_last_value(s.oid) END AS last_value,
            EXISTS (SELECT FROM owned WHERE owned.seqid = s.oid) AS is_owned,
            u.expression, a.attidentity::text AS identity, EXISTS (SELECT FROM owned o WHERE o.seqid = s.oid AND o.relid = u.relid AND o.attnum = u.attnum) AS is_owner,
        {ColumnFields}
        FROM pg_class s JOIN pg_sequence q ON q.seqrelid = s.oid JOIN pg_namespace sn ON sn.oid = s.relnamespace
        LEFT JOIN shown u ON u.seqid = s.oid
        LEFT JOIN pg_class c ON c.oid = u.relid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_attribute a ON a.attrelid = u.relid AND a.attnum = u.attnum
        WHERE s.relpersistence <> 't' AND sn.nspname NOT IN ('pg_catalog', 'information_schema') AND sn.nspname !~ '^pg_toast'
        ORDER BY schema, "table", a.attnum, sequence
        """;

    /// <summary>
    /// Columns that take from no sequence although they may have to: those named in the arrays $1, $2, $3 (schema, table, column), and when
    /// $4 is set those of the naming rule: the only column of the primary key, integer, no foreign key, not generated; called id, or with a
    /// sequence called table_column_seq beside it.
    /// </summary>
    public const string Candidates = $"""
        WITH RECURSIVE {BaseTypes},
        asked AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted(schema_name, table_name, column_name))
        SELECT pg_get_expr(ad.adbin, ad.adrelid) AS expression, a.attgenerated <> '' AS is_generated, asked.schema_name IS NOT NULL AS is_asked,
        {ColumnFields}
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef ad ON ad.adrelid = c.oid AND ad.adnum = a.attnum
        LEFT JOIN asked ON asked.schema_name = n.nspname AND asked.table_name = c.relname AND asked.column_name = a.attname
        WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND a.attidentity = ''
            AND (asked.schema_name IS NOT NULL
                OR ($4 AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                    AND ad.oid IS NULL AND a.attgenerated = '' AND a.attinhcount = 0
                    AND EXISTS (SELECT FROM base WHERE base.oid = a.atttypid AND root <> 'numeric'::regtype)
                    AND EXISTS (SELECT FROM pg_constraint p WHERE p.conrelid = c.oid AND p.contype = 'p' AND p.conkey = ARRAY[a.attnum])
                    AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f' AND a.attnum = ANY (f.conkey))
                    AND (a.attname = 'id' OR EXISTS (SELECT FROM pg_class s WHERE s.relkind = 'S' AND s.relnamespace = c.relnamespace AND s.relname = c.relname || '_' || a.attname || '_seq'))))
        ORDER BY schema, "table", a.attnum
        """;
}
