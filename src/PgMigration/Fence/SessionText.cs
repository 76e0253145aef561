namespace PgMigration;

/// <summary>Expressions on a row <c>a</c> of pg_stat_activity and its role <c>r</c> of pg_roles: whether this login may end the session, and who it is.</summary>
internal static class SessionText
{
    /// <summary>Whether this login may end it: of a role that it is a member of, and superusers only as one.</summary>
    public const string MayEnd = "(pg_has_role(a.usesysid, 'USAGE') and (not r.rolsuper or (select rolsuper from pg_roles where rolname = current_user)))";

    /// <summary>
    /// The session in words, as far as this login may see it: process, user, application and address; its query, or else the tables that
    /// it has locked for writing.
    /// </summary>
    public const string Describe = """
        (format('process %s of %s', a.pid, r.rolname)
         || coalesce(format(' (%s)', nullif(concat_ws(', ', nullif(a.application_name, ''), host(a.client_addr)), '')), '')
         || coalesce(', tables: ' || (select string_agg(distinct k.relation::regclass::text, ', ') from pg_locks k
                                       where k.pid = a.pid and k.locktype = 'relation' and k.mode like '%Exclusive%' and k.relation >= 16384), '')
         || coalesce(', query: ' || nullif(nullif(left(regexp_replace(a.query, '\s+', ' ', 'g'), 100), ''), '<insufficient privilege>'), ''))
        """;
}
