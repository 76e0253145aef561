using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>What stands in the way of a fence, or would get past it, known before anything is touched: each in a sentence with what to run.</summary>
public static class FenceObstacles
{
    private const string InThisDatabase = "in (0, (select oid from pg_database where datname = current_database()))";
    private const string IsOn = "~* '=(on|true|yes|t|y|1)$'";

    private static readonly string[] Sentences =
    [
        // Members of pg_write_all_data (14+) write whatever the lists say.
        """
        select format('Role %I is a member of pg_write_all_data, whose right no revocation takes away. Run: REVOKE pg_write_all_data FROM %I', rolname, rolname)
        from pg_roles
        where not rolsuper and rolname <> 'pg_write_all_data' and exists (select from pg_roles where rolname = 'pg_write_all_data')
          and pg_has_role(oid, (select oid from pg_roles where rolname = 'pg_write_all_data'), 'MEMBER')
        """,

        // Who may become a superuser writes as one, and inherits what a superuser owns.
        """
        select format('%s may become the superuser %I, whom no fence binds. Run before the cutover: REVOKE %I FROM %I', string_agg(distinct quote_ident(l.rolname), ', '), s.rolname, s.rolname, d.rolname)
        from pg_auth_members m join pg_roles s on s.oid = m.roleid and s.rolsuper join pg_roles d on d.oid = m.member and not d.rolsuper
        join pg_roles l on l.rolcanlogin and not l.rolsuper and pg_has_role(l.oid, d.oid, 'MEMBER') and has_database_privilege(l.oid, current_database(), 'CONNECT')
        group by s.rolname, d.rolname
        """,

        // The worker of a subscription writes as its owner, a superuser as a rule; and a physical target would begin to subscribe too.
        """
        select format('Subscription %I is enabled: what it receives is written whatever the fence says, and the target would take from the same slot. Its owner runs: ALTER SUBSCRIPTION %I DISABLE', subname, subname)
        from pg_subscription where subenabled and subdbid = (select oid from pg_database where datname = current_database())
        """,

        // With it on, nobody needs a right to write a large object. A setting of a role beats the database's, and that the server's.
        $"""
        with asked as (select s.setrole, s.setdatabase from pg_db_role_setting s, unnest(s.setconfig) c where s.setdatabase {InThisDatabase} and c ~ '^lo_compat_privileges=' and c {IsOn}),
             ways as (select format('ALTER %s SET lo_compat_privileges = off', case when setrole = 0 then format('DATABASE %I', current_database())
                                    else format('ROLE %I', (select rolname from pg_roles where oid = setrole)) || case when setdatabase <> 0 then format(' IN DATABASE %I', current_database()) else '' end end) as way from asked
                      union all select format('ALTER DATABASE %I SET lo_compat_privileges = off', current_database()) where current_setting('lo_compat_privileges')::bool and not exists (select from asked))
        select format('lo_compat_privileges is on, so that nobody needs a right to write to a large object, and no fence holds the %s there are. A superuser runs before the cutover: %s', (select count(*) from pg_largeobject_metadata), string_agg(way, '; '))
        from ways where exists (select from pg_largeobject_metadata) having count(*) > 0
        """,
    ];

    /// <summary>What this login could not fence; empty when nothing stands in the way. Changes nothing.</summary>
    /// <param name="session">A session of the login that will fence.</param>
    /// <param name="cancel">Ends it.</param>
    /// <param name="spared">Roles whose sessions a link still needs.</param>
    public static async Task<IReadOnlyList<string>> FindAsync(NpgsqlConnection session, CancellationToken cancel = default, params string[] spared)
    {
        var obstacles = new List<string>();
        var rights = (await WriteRights.ReadAsync(session, spared.Length > 0, cancel)).Where(right => !right.Ours && right.Grant.Kind != "ROUTINE").Select(right => right.Grant).ToList();
        var ways = await WaysAsync(session, [.. rights.SelectMany(grant => (string[])[grant.Owner, grant.Grantor]).Distinct()], cancel);
        string login = await session.ScalarAsync<string>("select quote_ident(current_user)", cancel);
        foreach (var grant in rights)
        {
            string revoke = $"REVOKE {string.Join(", ", grant.Privileges)}{(grant.Column is null ? string.Empty : $" ({grant.Column})")} ON {grant.Kind} {grant.Objects[0]} FROM {grant.Grantee ?? "PUBLIC"}";
            string mark = grant.Kind == "DATABASE" && (grant.Grantee is null || grant.Grantee == login) ? $" (and first, since the mark's schema could not be made without it: CREATE SCHEMA {MarkTable.Schema} AUTHORIZATION {login})" : string.Empty;
            string way = (ways[grant.Owner] ?? ways[grant.Grantor]) is { } other ? $"; or {other}" : string.Empty;
            obstacles.Add($"{grant.Grantee ?? "PUBLIC"} may {string.Join("/", grant.Privileges)} {SourceFence.Shorten(grant.Objects)} ({grant.Kind.ToLowerInvariant()}, owner {grant.Owner}, granted by {grant.Grantor}), which this login cannot revoke. Somebody who may, runs before the cutover: {revoke}{mark}{way}.");
        }

        foreach (string sql in Sentences)
        {
            obstacles.AddRange(await session.RowsAsync(sql, row => row.GetString(0), cancel));
        }

        return obstacles;
    }

    /// <summary>What gets past the fence and this login cannot hinder, but a hosted database may always have: to be known, and no reason not to begin.</summary>
    public static async Task<IReadOnlyList<string>> FindGapsAsync(NpgsqlConnection session, CancellationToken cancel = default)
    {
        var gaps = new List<string>(await FindOverridesAsync(session, cancel));
        long objects = await session.ScalarAsync<long>("select count(*) from pg_largeobject_metadata", cancel);
        var routines = (await WriteRights.ReadAsync(session, sparesDms: false, cancel)).Where(right => !right.Ours && right.Grant.Kind == "ROUTINE")
            .SelectMany(right => right.Grant.Objects.Select(name => (Name: name, Grantee: right.Grant.Grantee ?? "PUBLIC")));
        foreach (var group in routines.GroupBy(each => each.Name.StartsWith("pg_catalog.", StringComparison.Ordinal)))
        {
            var names = group.Select(each => each.Name).Distinct().ToList();
            string grantees = string.Join(", ", group.Select(each => each.Grantee).Distinct());
            string revoke = $"REVOKE EXECUTE ON ROUTINE {string.Join(", ", names)} FROM {grantees}";
            gaps.Add(group.Key
                ? string.Create(CultureInfo.InvariantCulture, $"{objects:N0} large object(s): up to PostgreSQL 15 their owners may unlink them whatever the fence takes away. Let nothing remove large objects during the cutover (vacuumlo, a nightly job): before the promotion it is found and the cutover undone, after it the new server has them still. A superuser can forbid it until the cutover is over: {revoke}")
                : string.Create(CultureInfo.InvariantCulture, $"{names.Count} function(s) run with a superuser's rights, whom no fence binds, and {grantees} may call them: {SourceFence.Shorten(names)}. If one of them writes to the app's tables, a superuser forbids it until the cutover is over: {revoke}"));
        }

        return gaps;
    }

    /// <summary>
    /// Settings of roles that begin their sessions read-write whatever the database's default says, and that this login may not change:
    /// missing rights hold them all the same, but what they own they may still alter. Each in a sentence with what to run.
    /// </summary>
    public static async Task<IReadOnlyList<string>> FindOverridesAsync(NpgsqlConnection session, CancellationToken cancel = default)
    {
        var ours = (await SourceFence.ReadAsync(session, cancel)).Settings.Select(setting => setting.Role).OfType<string>().ToArray();
        return await session.RowsAsync("""
            select distinct format('Role %I has a setting of its own for default_transaction_read_only, which beats the database''s. Somebody who may, runs before the cutover: ALTER ROLE %I IN DATABASE %I SET default_transaction_read_only = on', r.rolname, r.rolname, current_database())
            from pg_db_role_setting s join pg_roles r on r.oid = s.setrole cross join lateral unnest(s.setconfig) c
            where s.setdatabase in (0, (select oid from pg_database where datname = current_database())) and c like 'default\_transaction\_read\_only=%'
              and c !~ '=(on|true|yes|1)$' and quote_ident(r.rolname) <> all (@ours)
            """, row => row.GetString(0), cancel, new NpgsqlParameter<string[]>("ours", ours));
    }

    /// <summary>Which enabled event trigger's function an error comes from; null when from none.</summary>
    /// <param name="session">A session on the server.</param>
    /// <param name="where">The error's context as the server tells it: it names the functions that it went through.</param>
    /// <param name="cancel">Ends it.</param>
    internal static Task<string?> FindEventTriggerAsync(NpgsqlConnection session, string where, CancellationToken cancel) =>
        session.TextOrNullAsync("select quote_ident(e.evtname) from pg_event_trigger e join pg_proc p on p.oid = e.evtfoid where e.evtenabled <> 'D' and position(p.proname || '(' in @where) > 0 order by e.evtname limit 1",
            cancel, new NpgsqlParameter<string>("where", where));

    // How this login could come to act as a role: as a member that inherits. Nobody can be made a member of pg_database_owner but by the
    // database's owner, and of a superuser nobody should be.
    private static async Task<Dictionary<string, string?>> WaysAsync(NpgsqlConnection session, string[] roles, CancellationToken cancel) =>
        (await session.RowsAsync("""
            select asked.name, case when pg_has_role(r.oid, 'USAGE') then null
                when r.rolsuper then 'is asked to cut over with a login of its own, a superuser, in -Source'
                when pg_has_role(r.oid, 'MEMBER') and current_setting('server_version_num')::int >= 160000 then format('lets this login, which is a member, inherit: GRANT %I TO %I WITH INHERIT TRUE', r.rolname, current_user)
                when pg_has_role(r.oid, 'MEMBER') then format('lets this login, which is a member, inherit: ALTER ROLE %I INHERIT', current_user)
                else format('lets this login do it: GRANT %I TO %I', r.rolname, current_user) end
            from unnest(@roles) asked(name)
            join pg_roles r on r.oid = (select case when o.rolname = 'pg_database_owner' then d.datdba else o.oid end from pg_roles o, pg_database d where o.oid = to_regrole(asked.name) and d.datname = current_database())
            """, row => (Name: row.GetString(0), Way: row.TextOrNull(1)), cancel, new NpgsqlParameter<string[]>("roles", roles))).ToDictionary(each => each.Name, each => each.Way);
}
