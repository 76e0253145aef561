using Npgsql;

namespace PgMigration;

/// <summary>Whether the app's login may do on the target what it may on the source: rights are not rows, and nothing that copies rows brings them.</summary>
internal static class AppRights
{
    private static readonly string[] Privileges = ["SELECT", "INSERT", "UPDATE", "DELETE"];

    // What exists, and whether any of the logins may. CASE: conditions are asked in any order, and some fail on another kind of relation.
    private const string Sql = $"""
        with spaces as (select oid, nspname from pg_namespace where nspname not in ('pg_catalog', 'information_schema', '{MarkTable.Schema}') and nspname !~ '^pg_'),
        members as (select classid, objid from pg_depend where deptype = 'e'),
        logins as (select oid, rolsuper or rolbypassrls as is_exempt from pg_roles where rolname = any (@logins)),
        relations as (
            select c.oid, c.relkind, c.relowner, c.relrowsecurity, c.relforcerowsecurity, s.nspname, format('%I.%I', s.nspname, c.relname) as name from pg_class c join spaces s on s.oid = c.relnamespace
            where c.relkind in ('r', 'p', 'v', 'm', 'S') and (c.relkind <> 'r' or format('%s.%s', s.nspname, c.relname) = any (@tables)) and c.relname !~ '^awsdms_'
              and not exists (select from members m where m.classid = 'pg_class'::regclass and m.objid = c.oid))
        select 'schema', nspname::text, quote_ident(nspname), null, 'USAGE', exists (select from logins l where has_schema_privilege(l.oid, s.oid, 'USAGE')) from spaces s
        union all
        select 'table', r.nspname, r.name, null, p, exists (select from logins l where has_table_privilege(l.oid, r.oid, p))
        from relations r cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p where r.relkind <> 'S' and (r.relkind <> 'm' or p = 'SELECT')
        union all
        select 'column', r.nspname, r.name, quote_ident(a.attname), p, exists (select from logins l where has_column_privilege(l.oid, r.oid, a.attnum, p))
        from relations r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and a.attacl is not null and not a.attisdropped cross join unnest(array['SELECT', 'INSERT', 'UPDATE']) p
        union all
        select 'function', s.nspname, format('%I.%I(%s)', s.nspname, f.proname, pg_get_function_identity_arguments(f.oid)), null, 'EXECUTE', exists (select from logins l where has_function_privilege(l.oid, f.oid, 'EXECUTE'))
        from pg_proc f join spaces s on s.oid = f.pronamespace where f.proname !~ '^awsdms_' and not exists (select from members m where m.classid = 'pg_proc'::regclass and m.objid = f.oid)
        union all
        select 'sequence', r.nspname, r.name, null, 'USAGE', exists (select from logins l where case r.relkind when 'S' then has_sequence_privilege(l.oid, r.oid, 'USAGE') or has_sequence_privilege(l.oid, r.oid, 'UPDATE') end)
        from relations r where r.relkind = 'S' and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = r.oid and d.deptype = 'i')
        union all
        select 'row security', r.nspname, r.name, null, '', not r.relrowsecurity or exists (select from logins l where l.is_exempt or (pg_has_role(l.oid, r.relowner, 'USAGE') and not r.relforcerowsecurity))
        from relations r where r.relkind in ('r', 'p')
        """;

    // The sequence of an identity column needs no right of its own.
    private const string SequencesSql = """
        select distinct format('%I.%I', sn.nspname, s.relname)
        from pg_depend d join pg_attrdef a on a.oid = d.objid and d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass
        join pg_class s on s.oid = d.refobjid and s.relkind = 'S' join pg_namespace sn on sn.oid = s.relnamespace
        join pg_class c on c.oid = a.adrelid join pg_namespace n on n.oid = c.relnamespace
        where format('%s.%s', n.nspname, c.relname) = any (@tables) and has_table_privilege(@login, c.oid, 'INSERT')
          and case s.relkind when 'S' then not (has_sequence_privilege(@login, s.oid, 'USAGE') or has_sequence_privilege(@login, s.oid, 'UPDATE')) end order by 1
        """;

    private const string HasAnySql = """
        select exists (select from pg_roles r join pg_class c on c.relkind = 'r' join pg_namespace n on n.oid = c.relnamespace
            where r.rolname = @login and format('%s.%s', n.nspname, c.relname) = any (@tables) and has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE'))
        """;

    // Whoever was given something is the app's, as far as anybody can tell; where nobody was, the owners are.
    private const string OthersSql = """
        with moved as (select c.relowner, c.relacl from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and format('%s.%s', n.nspname, c.relname) = any (@tables)),
        given as (select distinct r.rolname::text from moved m cross join lateral aclexplode(m.relacl) g join pg_roles r on r.oid = g.grantee
                  where g.grantee <> m.relowner and not r.rolsuper and r.rolname !~ '^(pg|rds)_' and r.rolname <> all (@strangers))
        select rolname from given union all select distinct pg_get_userbyid(relowner)::text from moved where not exists (select from given) order by 1
        """;

    /// <summary>Whose rights on the source the app's login must have on the target: the app's own there, else those of the role of the same name, else those of all who were given some.</summary>
    /// <param name="source">A session on the source.</param>
    /// <param name="known">The app's login there; null when it is not known.</param>
    /// <param name="targetLogin">Its login on the target.</param>
    /// <param name="strangers">Logins that are not the app's: DMS's, and ours.</param>
    /// <param name="tables">The moved tables, as <c>schema.table</c>.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task<IReadOnlyList<string>> LoginsAsync(NpgsqlConnection source, string? known, string targetLogin, string[] strangers, string[] tables, CancellationToken cancel)
    {
        var moved = new NpgsqlParameter<string[]>("tables", tables);
        return known is not null ? [known]
            : await source.ScalarAsync<bool>(HasAnySql, cancel, new NpgsqlParameter<string>("login", targetLogin), moved.Clone()) ? [targetLogin]
            : await source.RowsAsync(OthersSql, row => row.GetString(0), cancel, new NpgsqlParameter<string[]>("strangers", strangers), moved);
    }

    /// <summary>What is missing, each as the statement that gives it.</summary>
    /// <param name="source">A session on the source.</param>
    /// <param name="sourceLogins">Whose rights count there.</param>
    /// <param name="target">A session on the target.</param>
    /// <param name="targetLogin">The app's login there.</param>
    /// <param name="tables">The moved tables, as <c>schema.table</c>; partitioned tables, views, functions and sequences are asked of all that are on both servers.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task<IReadOnlyList<string>> FindGapsAsync(NpgsqlConnection source, IReadOnlyList<string> sourceLogins, NpgsqlConnection target, string targetLogin, string[] tables, CancellationToken cancel)
    {
        var both = await Task.WhenAll(ReadAsync(source, [.. sourceLogins], tables, cancel), ReadAsync(target, [targetLogin], tables, cancel));
        var there = both[1].ToDictionary(right => right.Of, right => right.Has);
        var schemas = both[0].Where(right => right is { Of.Kind: "schema", Has: true }).Select(right => right.Of.Schema).ToHashSet();
        var had = both[0].Where(right => right.Has && schemas.Contains(right.Of.Schema)).Select(right => right.Of).ToArray();
        var hadWhole = had.Where(right => right.Kind == "table").Select(right => (right.Name, right.Privilege)).ToHashSet();
        bool IsDenied(Right right) => there.TryGetValue(right, out bool may) && !may;
        var used = had.Where(right => right.Kind is not ("schema" or "row security") && there.ContainsKey(right)).Select(right => right.Schema).ToHashSet();
        string login = SqlText.Name(targetLogin);
        List<string> gaps =
        [
            .. had.Where(right => right.Kind == "schema" && used.Contains(right.Schema) && IsDenied(right)).Select(right => $"GRANT USAGE ON SCHEMA {right.Name} TO {login}"),
            .. had.Where(right => right.Kind == "table" && IsDenied(right)).GroupBy(right => right.Name).Select(table => $"GRANT {string.Join(", ", table.Select(right => right.Privilege).OrderBy(privilege => Array.IndexOf(Privileges, privilege)))} ON {table.Key} TO {login}"),
            .. had.Where(right => right.Kind == "column" && !hadWhole.Contains((right.Name, right.Privilege)) && IsDenied(right with { Kind = "table", Column = null }) && !there.GetValueOrDefault(right))
                .GroupBy(right => right.Name).Select(table => $"GRANT {string.Join(", ", table.GroupBy(right => right.Privilege).OrderBy(some => some.Key, StringComparer.Ordinal).Select(some => $"{some.Key} ({string.Join(", ", some.Select(right => right.Column).Order(StringComparer.Ordinal))})"))} ON {table.Key} TO {login}"),
            .. had.Where(right => right.Kind == "function" && IsDenied(right)).Select(right => $"GRANT EXECUTE ON ROUTINE {right.Name} TO {login}"),
            .. had.Where(right => right.Kind == "sequence" && IsDenied(right)).Select(right => $"GRANT USAGE ON SEQUENCE {right.Name} TO {login}"),
            .. had.Where(right => right.Kind == "row security" && IsDenied(right)).Select(right => $"ALTER ROLE {login} BYPASSRLS (the policies of {right.Name} hide rows from it, and did not on the source; or let it own the table)"),
        ];
        return [.. gaps.Concat(await FindSequenceGapsAsync(target, targetLogin, tables, cancel)).Distinct()];
    }

    /// <summary>What is missing for columns to take from the target's sequences.</summary>
    public static async Task<IReadOnlyList<string>> FindSequenceGapsAsync(NpgsqlConnection target, string targetLogin, string[] tables, CancellationToken cancel) =>
        [.. (await target.RowsAsync(SequencesSql, row => row.GetString(0), cancel, new NpgsqlParameter<string[]>("tables", tables), new NpgsqlParameter<string>("login", targetLogin)))
            .Select(sequence => $"GRANT USAGE ON SEQUENCE {sequence} TO {SqlText.Name(targetLogin)}")];

    private static Task<List<(Right Of, bool Has)>> ReadAsync(NpgsqlConnection session, string[] logins, string[] tables, CancellationToken cancel) => session.RowsAsync(Sql,
        row => (new Right(row.GetString(0), row.GetString(1), row.GetString(2), row.TextOrNull(3), row.GetString(4)), row.GetBoolean(5)), cancel, new NpgsqlParameter<string[]>("tables", tables), new NpgsqlParameter<string[]>("logins", logins));

    private readonly record struct Right(string Kind, string Schema, string Name, string? Column, string Privilege);
}
