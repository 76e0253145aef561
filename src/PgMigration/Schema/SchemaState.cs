using Npgsql;

namespace PgMigration;

/// <summary>What hangs on objects without being one, on either side: comments, grants, owners of sequences, partitions, row security, what a view says.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="ClassId">The catalog of the object that it hangs on.</param>
/// <param name="Identity">That object.</param>
/// <param name="Role">The role that a grant is for; null for all else.</param>
/// <param name="Value">The thing itself, comparable as text.</param>
internal readonly record struct SchemaState(string Kind, uint ClassId, string Identity, string? Role, string Value)
{
    public const string Comment = "COMMENT";
    public const string Grant = "ACL";
    public const string OwnedBy = "SEQUENCE OWNED BY";
    public const string Attached = "ATTACH";
    public const string RowSecurity = "ROW SECURITY";
    public const string ViewText = "VIEW";

    private const string Sql = """
        WITH grants(classid, oid, subid, owner, acl) AS (
            SELECT 'pg_class'::regclass::oid, oid, 0, relowner, coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)) FROM pg_class WHERE oid >= 16384 AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
            UNION ALL SELECT 'pg_class'::regclass, c.oid, a.attnum, c.relowner, a.attacl FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL AND c.oid >= 16384
            UNION ALL SELECT 'pg_proc'::regclass, oid, 0, proowner, coalesce(proacl, acldefault('f', proowner)) FROM pg_proc WHERE oid >= 16384
            UNION ALL SELECT 'pg_type'::regclass, oid, 0, typowner, coalesce(typacl, acldefault('T', typowner)) FROM pg_type WHERE oid >= 16384
            UNION ALL SELECT 'pg_namespace'::regclass, oid, 0, nspowner, coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
        comments(classid, oid, value) AS (
            SELECT classoid, objoid, string_agg(objsubid || ' ' || description, E'\n' ORDER BY objsubid) FROM pg_description
            WHERE objoid >= 16384 OR classoid IN ('pg_namespace'::regclass, 'pg_extension'::regclass) GROUP BY classoid, objoid)
        SELECT 'ACL', g.classid, i.identity, coalesce(r.rolname::text, 'PUBLIC'), g.subid || ' ' || x.privilege_type || ' ' || x.is_grantable
        FROM grants g CROSS JOIN LATERAL aclexplode(g.acl) x LEFT JOIN pg_roles r ON r.oid = x.grantee, LATERAL pg_identify_object(g.classid, g.oid, 0) i
        WHERE x.grantee <> g.owner AND (x.grantee = 0 OR r.oid IS NOT NULL) AND i.identity IS NOT NULL
        UNION ALL
        SELECT 'COMMENT', c.classid, i.identity, NULL, c.value FROM comments c, LATERAL pg_identify_object(c.classid, c.oid, 0) i WHERE i.identity IS NOT NULL
        UNION ALL
        SELECT 'SEQUENCE OWNED BY', d.classid, s.identity, NULL, t.identity FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S',
            LATERAL pg_identify_object(d.classid, d.objid, 0) s, LATERAL pg_identify_object(d.refclassid, d.refobjid, d.refobjsubid) t
        WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a'
        UNION ALL
        SELECT 'ATTACH', 'pg_class'::regclass, c.identity, NULL, p.identity FROM pg_inherits h JOIN pg_class k ON k.oid = h.inhrelid AND (k.relispartition OR k.relkind IN ('i', 'I')),
            LATERAL pg_identify_object('pg_class'::regclass, h.inhrelid, 0) c, LATERAL pg_identify_object('pg_class'::regclass, h.inhparent, 0) p
        UNION ALL
        SELECT 'ROW SECURITY', 'pg_class'::regclass, i.identity, NULL, 'enabled' FROM pg_class c, LATERAL pg_identify_object('pg_class'::regclass, c.oid, 0) i WHERE c.relrowsecurity
        UNION ALL
        SELECT 'VIEW', 'pg_class'::regclass, i.identity, NULL, pg_get_viewdef(c.oid) FROM pg_class c, LATERAL pg_identify_object('pg_class'::regclass, c.oid, 0) i WHERE c.relkind = 'v' AND c.oid >= 16384
        """;

    /// <summary>Nothing of it.</summary>
    public static ILookup<(string Kind, uint ClassId, string Identity), SchemaState> None { get; } = Array.Empty<SchemaState>().ToLookup(row => (row.Kind, row.ClassId, row.Identity));

    /// <summary>All of it.</summary>
    public static async Task<ILookup<(string Kind, uint ClassId, string Identity), SchemaState>> ReadAsync(NpgsqlConnection session, CancellationToken cancel)
    {
        var rows = await session.RowsAsync(Sql, row => new SchemaState(row.GetString(0), row.GetFieldValue<uint>(1), row.GetString(2), row.TextOrNull(3), row.GetString(4)), cancel);
        return rows.ToLookup(row => (row.Kind, row.ClassId, row.Identity));
    }
}
