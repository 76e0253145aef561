namespace PgMigration;

/// <summary>Which columns DMS takes for large objects: it writes a row first and their values afterwards, and cuts them at its limit.</summary>
/// <remarks>Source: the user guide's table of PostgreSQL source types, where they are CLOB, NCLOB or BLOB; types of extensions and composites go by their text.
/// A varchar without bounds is none there, and is cut at unboundedVarcharMaxSize; it is measured and closed with the others all the same.</remarks>
internal static class LobTypes
{
    /// <summary>Whether a column's type, by <c>pg_attribute a</c>, is one: as an expression of SQL. A domain is what lies under it.</summary>
    public const string IsLob = $"""
        ({Base}
         SELECT typtype <> 'e' AND (
             oid IN ({Known})
             OR (oid = 'varchar'::regtype AND typmod = -1)
             OR typcategory = 'A' OR typtype IN ('c', 'r', 'm')
             OR (typtype = 'b' AND oid >= 16384))
         FROM base WHERE typtype <> 'd')
        """;

    /// <summary>Whether it surely is one, so that DMS brings it as NULL first: what no key may be.</summary>
    public const string IsNoKey = $"({Base} SELECT oid IN ({Known}) OR typname = 'citext' OR typcategory = 'A' OR typtype = 'c' FROM base WHERE typtype <> 'd')";

    private const string Known = "'text'::regtype, 'bytea'::regtype, 'json'::regtype, 'jsonb'::regtype, 'xml'::regtype, 'tsvector'::regtype, 'tsquery'::regtype, 'path'::regtype, 'polygon'::regtype";

    private const string Base = """
        WITH RECURSIVE base AS (
            SELECT t.oid, t.typname, t.typtype, t.typbasetype, t.typcategory, coalesce(nullif(t.typtypmod, -1), a.atttypmod) AS typmod FROM pg_type t WHERE t.oid = a.atttypid
            UNION ALL
            SELECT t.oid, t.typname, t.typtype, t.typbasetype, t.typcategory, coalesce(nullif(t.typtypmod, -1), b.typmod) FROM base b JOIN pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd')
        """;
}
