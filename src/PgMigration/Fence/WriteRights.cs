using Npgsql;

namespace PgMigration;

/// <summary>Who may write what: every right to write in a database, read from its access control lists.</summary>
/// <remarks>
/// Superusers are left out: no revocation binds them. So are temporary objects, the system's own, our mark's schema, and what DMS writes to itself.
/// An object whose list is null has PostgreSQL's defaults (acldefault). Source: the privileges page of PostgreSQL's manual and aclexplode().
/// </remarks>
internal static class WriteRights
{
    private const string Sql = """
        with objects(kind, name, col, owner, acl) as (
            select case when c.relkind = 'S' then 'SEQUENCE' else 'TABLE' end, format('%I.%I', n.nspname, c.relname), null::text, c.relowner,
                   coalesce(c.relacl, acldefault(case when c.relkind = 'S' then 's'::"char" else 'r'::"char" end, c.relowner))
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p', 'v', 'f', 'S') and c.relpersistence <> 't' and c.relname !~ '^awsdms_'
              and n.nspname not in ('pg_catalog', 'information_schema', @mark) and n.nspname !~ '^pg_(toast|temp)'
            union all
            select 'TABLE', format('%I.%I', n.nspname, c.relname), quote_ident(a.attname), c.relowner, a.attacl
            from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
            where a.attacl is not null and not a.attisdropped and n.nspname not in ('pg_catalog', 'information_schema', @mark)
            union all
            select 'LARGE OBJECT', l.oid::text, null, l.lomowner, coalesce(l.lomacl, acldefault('L', l.lomowner)) from pg_largeobject_metadata l
            union all
            select 'SCHEMA', quote_ident(nspname), null, nspowner, coalesce(nspacl, acldefault('n', nspowner))
            from pg_namespace where nspname not in ('pg_catalog', 'information_schema', @mark) and nspname !~ '^pg_(toast|temp)'
            union all
            select 'DATABASE', quote_ident(datname), null, datdba, coalesce(datacl, acldefault('d', datdba)) from pg_database where datname = current_database()),
        rights as (
            select o.kind, o.name, o.col, o.owner, r.grantor, r.grantee, r.is_grantable, array_agg(r.privilege_type order by r.privilege_type) as privileges
            from objects o cross join lateral aclexplode(o.acl) r left join pg_roles g on g.oid = r.grantee
            where not coalesce(g.rolsuper, false)
              and r.privilege_type = any (case o.kind
                  when 'TABLE' then array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] when 'SEQUENCE' then array['USAGE', 'UPDATE']
                  when 'LARGE OBJECT' then array['UPDATE'] else array['CREATE'] end)
            group by 1, 2, 3, 4, 5, 6, 7)
        select kind, array_agg(name order by name), col, quote_ident(pg_get_userbyid(owner)), quote_ident(pg_get_userbyid(grantor)),
               case when grantee <> 0 then quote_ident(pg_get_userbyid(grantee)) end, privileges, is_grantable,
               pg_has_role(owner, 'USAGE') and (grantor = owner or pg_has_role(grantor, 'MEMBER'))
        from rights
        group by kind, case when col is not null then name end, col, owner, grantor, grantee, privileges, is_grantable
        order by kind, 4, 5, 6
        """;

    /// <summary>All rights to write that bind somebody, each with whether the session's login may take it away and give it back.</summary>
    public static async Task<IReadOnlyList<(FencedGrant Grant, bool Ours)>> ReadAsync(NpgsqlConnection session, CancellationToken cancel) =>
        await session.RowsAsync(Sql, row => (
            new FencedGrant(row.GetString(0), row.GetFieldValue<string[]>(1), row.TextOrNull(2), row.GetString(3), row.GetString(4),
                row.TextOrNull(5), row.GetFieldValue<string[]>(6), row.GetBoolean(7)),
            row.GetBoolean(8)), cancel, new NpgsqlParameter<string>("mark", MarkTable.Schema));
}
