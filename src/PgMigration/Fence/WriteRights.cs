using Npgsql;

namespace PgMigration;

/// <summary>Who may write what: every right to write in a database, read from its access control lists.</summary>
/// <remarks>
/// Superusers are left out: no revocation binds them. Only what another role granted them is taken along, since it goes with that role's own
/// right and must come back with it. Left out too are temporary objects, the system's own, our mark's schema, and what DMS writes to itself where
/// it is spared. Routines (kind ROUTINE) are those by which a role writes what it has no right to: SECURITY DEFINER ones of a superuser, unless
/// they belong to an extension, are fired by triggers, or declare that they write nothing; and up to PostgreSQL 15 lo_unlink, which asks for no
/// right of a large object's owner and heeds no read-only default. An object whose list is null has PostgreSQL's defaults (acldefault).
/// Source: the privileges page of PostgreSQL's manual and aclexplode(); be-fsstubs.c of PostgreSQL 15.
/// </remarks>
internal static class WriteRights
{
    // What the AWS DMS user guide names as DMS's own (control tables, heartbeat, ddl_audit), and what our local DMS adds.
    private const string TablesOfDms = "^awsdms_(heartbeat|ddl_audit(_c_key_seq)?|apply_exceptions|suspended_tables|status|history|full_load_exceptions|validation_failures_v[12]|local_progress|local_tables)$";

    // A canary tries the first table of a list: one that would refuse a write for another reason, or rewrite it, comes last.
    private const string Sql = $"""
        with objects(kind, name, col, owner, acl, last) as (
            select case when c.relkind = 'S' then 'SEQUENCE' else 'TABLE' end, format('%I.%I', n.nspname, c.relname), null::text, c.relowner,
                   coalesce(c.relacl, acldefault(case when c.relkind = 'S' then 's'::"char" else 'r'::"char" end, c.relowner)), c.relkind not in ('r', 'p') or c.relhasrules
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p', 'v', 'f', 'S') and c.relpersistence <> 't' and not (@dms and c.relname ~ '{TablesOfDms}')
              and n.nspname not in ('pg_catalog', 'information_schema', @mark) and n.nspname !~ '^pg_(toast|temp)'
            union all
            select 'TABLE', format('%I.%I', n.nspname, c.relname), quote_ident(a.attname), c.relowner, a.attacl, false
            from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
            where a.attacl is not null and not a.attisdropped and n.nspname not in ('pg_catalog', 'information_schema', @mark)
            union all
            select 'LARGE OBJECT', l.oid::text, null, l.lomowner, coalesce(l.lomacl, acldefault('L', l.lomowner)), false from pg_largeobject_metadata l
            union all
            select 'SCHEMA', quote_ident(nspname), null, nspowner, coalesce(nspacl, acldefault('n', nspowner)), false
            from pg_namespace where nspname not in ('pg_catalog', 'information_schema', @mark) and nspname !~ '^pg_(toast|temp)'
            union all
            select 'DATABASE', quote_ident(datname), null, datdba, coalesce(datacl, acldefault('d', datdba)), false from pg_database where datname = current_database()
            union all
            select 'ROUTINE', format('%I.%I(%s)', n.nspname, p.proname, (select string_agg(format('%I.%I', s.nspname, t.typname), ', ' order by a.place)
                       from unnest(p.proargtypes::oid[]) with ordinality a(type, place) join pg_type t on t.oid = a.type join pg_namespace s on s.oid = t.typnamespace)),
                   null, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)), false
            from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where p.proname = 'lo_unlink' and n.nspname = 'pg_catalog' and current_setting('server_version_num')::int < 160000 and exists (select from pg_largeobject_metadata)
               or p.prosecdef and p.provolatile = 'v' and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
                  and n.nspname not in ('pg_catalog', 'information_schema', @mark) and n.nspname !~ '^pg_temp' and (select rolsuper from pg_roles where oid = p.proowner)
                  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')),
        rights as (
            select o.kind, o.name, o.col, o.owner, r.grantor, r.grantee, r.is_grantable, o.last, array_agg(r.privilege_type order by r.privilege_type) as privileges
            from objects o cross join lateral aclexplode(o.acl) r
            left join pg_roles g on g.oid = case when r.grantee = (select oid from pg_roles where rolname = 'pg_database_owner')
                                                 then (select datdba from pg_database where datname = current_database()) else r.grantee end
            where (not coalesce(g.rolsuper, false) or r.grantor <> o.owner and pg_has_role(r.grantor, 'MEMBER'))
              and r.privilege_type = any (case o.kind
                  when 'TABLE' then array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] when 'SEQUENCE' then array['USAGE', 'UPDATE']
                  when 'LARGE OBJECT' then array['UPDATE'] when 'ROUTINE' then array['EXECUTE'] else array['CREATE'] end)
            group by 1, 2, 3, 4, 5, 6, 7, 8)
        select kind, array_agg(name order by last, name), col, quote_ident(pg_get_userbyid(owner)), quote_ident(pg_get_userbyid(grantor)),
               case when grantee <> 0 then quote_ident(pg_get_userbyid(grantee)) end, privileges, is_grantable,
               pg_has_role(owner, 'USAGE') and (grantor = owner or pg_has_role(grantor, 'MEMBER'))
        from rights
        group by kind, case when col is not null then name end, col, owner, grantor, grantee, privileges, is_grantable
        order by kind, 4, 5, 6
        """;

    /// <summary>All rights to write that bind somebody, each with whether the session's login may take it away and give it back.</summary>
    /// <param name="session">A session on the server.</param>
    /// <param name="sparesDms">Whether a DMS that is still needed writes to tables of its own there.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task<IReadOnlyList<(FencedGrant Grant, bool Ours)>> ReadAsync(NpgsqlConnection session, bool sparesDms, CancellationToken cancel) =>
        await session.RowsAsync(Sql, row => (
            new FencedGrant(row.GetString(0), row.GetFieldValue<string[]>(1), row.TextOrNull(2), row.GetString(3), row.GetString(4),
                row.TextOrNull(5), row.GetFieldValue<string[]>(6), row.GetBoolean(7)),
            row.GetBoolean(8)), cancel, new NpgsqlParameter<string>("mark", MarkTable.Schema), new NpgsqlParameter<bool>("dms", sparesDms));

    /// <summary>A right that a raised fence must not have left; null when there is none. Routines that the session's login may not revoke are named beforehand, and stay.</summary>
    public static async Task<FencedGrant?> FindLeftAsync(NpgsqlConnection session, bool sparesDms, CancellationToken cancel) =>
        (await ReadAsync(session, sparesDms, cancel)).FirstOrDefault(right => right.Ours || right.Grant.Kind != "ROUTINE").Grant;
}
