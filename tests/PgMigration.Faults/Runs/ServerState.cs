
namespace PgMigration.Faults;

/// <summary>What a cutover changes on servers and pooler, and must put back.</summary>
internal static class ServerState
{
    private const string RightsSql = """
        select string_agg(x, E'\n' order by x) from (
            select format('%s %s %s %s %s', c.oid::regclass, a.grantor, a.grantee, a.privilege_type, a.is_grantable) as x
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            cross join lateral aclexplode(coalesce(c.relacl, acldefault(case when c.relkind = 'S' then 's'::"char" else 'r'::"char" end, c.relowner))) a
            where c.relkind in ('r', 'v', 'S', 'p', 'f') and n.nspname in ('public', 'shop', 'audit')
            union all select format('column %s %s %s', t.attrelid::regclass, t.attname, t.attacl) from pg_attribute t where t.attacl is not null and t.attrelid > 16383
            union all select format('schema %s %s %s %s', n.nspname, a.grantor, a.grantee, a.privilege_type)
                from pg_namespace n cross join lateral aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a where n.nspname <> 'pgmigration' and n.nspname !~ '^pg_(toast_)?temp_'
            union all select format('database %s %s %s %s', d.datname, a.grantor, a.grantee, a.privilege_type) from pg_database d cross join lateral aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
            union all select format('setting %s %s %s', setdatabase, setrole, setconfig) from pg_db_role_setting) all_rights
        """;

    /// <summary>All rights and settings in the database, a line each.</summary>
    public static Task<string> RightsAsync(PgServer superuser) => AskAsync(superuser, RightsSql);

    /// <summary>What of ours is on a server: the mark, and settings changed by ALTER SYSTEM.</summary>
    public static async Task<IReadOnlyList<string>> LeftAsync(PgServer superuser)
    {
        string left = await AskAsync(superuser, """
            select concat_ws(', ', (select 'the schema pgmigration' from pg_namespace where nspname = 'pgmigration'),
                             (select name || ' = ' || setting from pg_file_settings where name = 'max_standby_archive_delay' limit 1),
                             (select 'prepared ' || string_agg(gid, ' ') from pg_prepared_xacts having count(*) > 0))
            """);
        return left.Length == 0 ? [] : [left];
    }

    /// <summary>Whether the pooler lets the app go on, and where to: <c>127.0.0.1:5432 paused=0</c>.</summary>
    public static async Task<string> PoolerAsync(FaultBed bed)
    {
        await using var console = await PgBouncerConsole.ConnectAsync(bed.Admin, CancellationToken.None);
        var entry = (await console.AskAsync("SHOW DATABASES", CancellationToken.None)).Single(row => row["name"] == bed.Pooled.Database);
        return $"{entry["host"]}:{entry["port"]} paused={entry["paused"]}";
    }

    private static async Task<string> AskAsync(PgServer server, string question)
    {
        await using var session = await server.ConnectAsync();
        return await session.ScalarAsync<string>(question, CancellationToken.None);
    }
}
