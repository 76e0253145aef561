namespace PgMigration;

/// <summary>What is asked of the catalog.</summary>
/// <remarks>
/// Every part is a list that is read once and joined by hash, none is looked up row by row; and <see cref="PlanByHash"/> goes before.
/// A freshly loaded server has no statistics of its own catalog: on ten thousand new tables the planner otherwise took nested loops for
/// cheap, and eleven minutes passed.
/// </remarks>
internal static class SequenceQueries
{
    /// <summary>For the same transaction only. Compiling (jit) a query that runs once takes longer than running it.</summary>
    public const string PlanByHash = "SELECT set_config('enable_nestloop', 'off', true), set_config('jit', 'off', true)";

    /// <summary>Types that are integers under their domains (type → base type), first columns of usable indexes, and the bytes of partitions.</summary>
    private const string ColumnLists = """
        base(oid, root) AS (
            SELECT oid, oid FROM pg_type WHERE oid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
            UNION ALL
            SELECT t.oid, b.root FROM pg_type t JOIN base b ON t.typbasetype = b.oid WHERE t.typtype = 'd'),
        indexed AS (
            SELECT DISTINCT i.indrelid AS relid, i.indkey[0] AS attnum
            FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
            WHERE i.indisvalid AND i.indpred IS NULL AND am.amname = 'btree'),
        parts AS (
            SELECT i.inhparent AS relid, sum(greatest(part.relpages, 0))::bigint AS pages
            FROM pg_inherits i JOIN pg_class part ON part.oid = i.inhrelid GROUP BY i.inhparent)
        """;

    /// <summary>What must be known of a column; expects pg_class c, pg_namespace n, pg_attribute a and <see cref="ColumnJoins"/>.</summary>
    private const string ColumnFields = """
            n.nspname AS schema, c.relname AS table, a.attname AS column, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS quoted_table, quote_ident(a.attname) AS quoted_column,
            format_type(base.root, NULL) AS base_type, a.attnotnull, pg_get_userbyid(c.relowner) AS table_owner,
            ARRAY(SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
                FROM aclexplode(c.relacl) WHERE privilege_type = 'INSERT' AND grantee <> c.relowner) AS inserters,
            indexed.relid IS NOT NULL AS is_indexed,
            current_setting('block_size')::bigint * (greatest(c.relpages, 0) + coalesce(parts.pages, 0)) AS table_bytes,
            c.relkind = 'p' OR c.relhassubclass AS has_children,
            CASE WHEN c.oid IS NULL THEN NULL
                WHEN c.relpersistence = 'u' AND pg_is_in_recovery() THEN 'an unlogged table cannot be read on a standby'
                WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN format('the login has no USAGE on schema %I', n.nspname)
                WHEN NOT has_column_privilege(c.oid, a.attnum, 'SELECT') THEN format('the login may not read %I.%I', n.nspname, c.relname)
                WHEN row_security_active(c.oid) THEN format('row security hides rows of %I.%I from the login', n.nspname, c.relname)
                END AS column_problem
        """;

    private const string ColumnJoins = """
        LEFT JOIN base ON base.oid = a.atttypid
        LEFT JOIN indexed ON indexed.relid = c.oid AND indexed.attnum = a.attnum
        LEFT JOIN parts ON parts.relid = c.oid
        """;

    /// <summary>
    /// Every sequence with every column that takes from it. A column is tied to a sequence by its default (pg_depend knows the regclass in
    /// it; a name given as text is read from the expression), by being an identity column, or by owning it. Partitions and children that
    /// take from their parent's sequence are left out: the parent's values hold theirs.
    /// </summary>
    public const string Uses = $"""
        WITH RECURSIVE {ColumnLists},
        sequences AS (
            SELECT s.oid AS seqid, s.relname, s.relowner, s.relpersistence, sn.oid AS schemaid, sn.nspname
            FROM pg_class s JOIN pg_namespace sn ON sn.oid = s.relnamespace
            WHERE s.relkind = 'S' AND s.relpersistence <> 't' AND sn.nspname NOT IN ('pg_catalog', 'information_schema') AND sn.nspname !~ '^pg_toast'),
        defaults AS (
            SELECT ad.adrelid AS relid, ad.adnum AS attnum, d.refobjid AS seqid, pg_get_expr(ad.adbin, ad.adrelid) AS expression
            FROM pg_depend d JOIN sequences ON sequences.seqid = d.refobjid JOIN pg_attrdef ad ON ad.oid = d.objid
            WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n'),
        names AS (
            SELECT DISTINCT seqid, name FROM sequences, LATERAL unnest(ARRAY[format('%I.%I', nspname, relname), nspname || '.' || relname,
                CASE WHEN pg_table_is_visible(seqid) THEN quote_ident(relname) END, CASE WHEN pg_table_is_visible(seqid) THEN relname::text END]) AS name),
        texts AS (
            SELECT ad.adrelid AS relid, ad.adnum AS attnum, x.expression, replace((regexp_match(x.expression, 'nextval\(+''((?:[^'']|'''')+)''::text'))[1], '''''', '''') AS name
            FROM pg_attrdef ad LEFT JOIN defaults ON defaults.relid = ad.adrelid AND defaults.attnum = ad.adnum, LATERAL (SELECT pg_get_expr(ad.adbin, ad.adrelid) AS expression) x
            WHERE defaults.relid IS NULL),
        owned AS (
            SELECT DISTINCT refobjid AS relid, refobjsubid::int2 AS attnum, objid AS seqid
            FROM pg_depend WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND refobjsubid > 0 AND deptype IN ('a', 'i')),
        tied AS (SELECT * FROM defaults UNION SELECT relid, attnum, seqid, expression FROM texts JOIN names USING (name)),
        used AS (
            SELECT * FROM tied
            UNION ALL
            SELECT o.relid, o.attnum, o.seqid, NULL FROM owned o JOIN sequences USING (seqid) LEFT JOIN tied USING (relid, attnum, seqid) WHERE tied.relid IS NULL),
        inherited AS (SELECT DISTINCT i.inhrelid AS relid, p.seqid FROM pg_inherits i JOIN used p ON p.relid = i.inhparent),
        shown AS (SELECT used.* FROM used LEFT JOIN inherited USING (relid, seqid) WHERE inherited.relid IS NULL)
        SELECT s.nspname AS sequence_schema, s.relname AS sequence_name, format('%I.%I', s.nspname, s.relname) AS sequence,
            format_type(q.seqtypid, NULL) AS data_type, q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, q.seqcycle, pg_get_userbyid(s.relowner) AS owner,
            CASE WHEN s.relpersistence = 'u' AND pg_is_in_recovery() THEN 'an unlogged sequence cannot be read on a standby'
                WHEN NOT has_schema_privilege(s.schemaid, 'USAGE') THEN format('the login has no USAGE on schema %I', s.nspname)
                WHEN NOT has_sequence_privilege(s.seqid, 'SELECT') THEN format('the login may not read the sequence %I.%I', s.nspname, s.relname) END AS problem,
            CASE WHEN s.relpersistence = 'u' AND pg_is_in_recovery() THEN NULL
                WHEN has_sequence_privilege(s.seqid, 'SELECT, USAGE') THEN pg_sequence_last_value(s.seqid) END AS last_value,
            owned.seqid IS NOT NULL AS is_owned, coalesce(owned.relid = u.relid AND owned.attnum = u.attnum, false) AS is_owner,
            u.expression, a.attidentity::text AS identity,
        {ColumnFields}
        FROM sequences s JOIN pg_sequence q ON q.seqrelid = s.seqid
        LEFT JOIN owned ON owned.seqid = s.seqid
        LEFT JOIN shown u ON u.seqid = s.seqid
        LEFT JOIN pg_class c ON c.oid = u.relid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_attribute a ON a.attrelid = u.relid AND a.attnum = u.attnum
        {ColumnJoins}
        ORDER BY schema, "table", a.attnum, sequence
        """;

    /// <summary>
    /// Columns that take from no sequence although they may have to: those named in the arrays $1, $2, $3 (schema, table, column), and when
    /// $4 is set those of the naming rule: the only column of the primary key, integer, no foreign key, not generated; called id, or with a
    /// sequence called table_column_seq beside it.
    /// </summary>
    public const string Candidates = $"""
        WITH RECURSIVE {ColumnLists},
        asked AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted(schema_name, table_name, column_name)),
        single_keys AS (SELECT conrelid, conkey[1] AS attnum FROM pg_constraint WHERE contype = 'p' AND array_length(conkey, 1) = 1),
        foreign_keys AS (SELECT DISTINCT conrelid, unnest(conkey) AS attnum FROM pg_constraint WHERE contype = 'f'),
        sequences AS (SELECT relnamespace, relname::text AS name FROM pg_class WHERE relkind = 'S')
        SELECT pg_get_expr(ad.adbin, ad.adrelid) AS expression, a.attgenerated <> '' AS is_generated, asked.schema_name IS NOT NULL AS is_asked,
        {ColumnFields}
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef ad ON ad.adrelid = c.oid AND ad.adnum = a.attnum
        LEFT JOIN asked ON asked.schema_name = n.nspname AND asked.table_name = c.relname AND asked.column_name = a.attname
        LEFT JOIN single_keys k ON k.conrelid = c.oid AND k.attnum = a.attnum
        LEFT JOIN foreign_keys f ON f.conrelid = c.oid AND f.attnum = a.attnum
        LEFT JOIN sequences s ON s.relnamespace = c.relnamespace AND s.name = c.relname || '_' || a.attname || '_seq'
        {ColumnJoins}
        WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND a.attidentity = ''
            AND (asked.schema_name IS NOT NULL
                OR ($4 AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                    AND ad.oid IS NULL AND a.attgenerated = '' AND a.attinhcount = 0
                    AND base.root <> 'numeric'::regtype AND k.conrelid IS NOT NULL AND f.conrelid IS NULL AND (a.attname = 'id' OR s.name IS NOT NULL)))
        ORDER BY schema, "table", a.attnum
        """;
}
