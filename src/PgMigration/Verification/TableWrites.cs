using Npgsql;

namespace PgMigration;

/// <summary>What a server has counted of the writes to its tables: the same text twice means that nobody wrote in between.</summary>
/// <remarks>
/// A session counts for itself, and hands that on when it ends, or seconds after its transaction at the latest: so two looks prove something where
/// the second is behind a fence that ended the sessions. A write that was counted late only makes a table look written to. From PostgreSQL 15 on,
/// where the counts lie in shared memory; older servers send them over a socket that may lose some. A crash, which forgets them, and a reset
/// change the text; so does TRUNCATE, by another file. Source: the PostgreSQL manual, The Cumulative Statistics System.
/// </remarks>
internal static class TableWrites
{
    // By the functions behind pg_stat_user_tables: the view would be gone through as a whole for each table.
    private const string Sql = """
        select n.quoted, concat_ws(' ', c.oid, pg_relation_filenode(c.oid), pg_stat_get_tuples_inserted(c.oid), pg_stat_get_tuples_updated(c.oid), pg_stat_get_tuples_deleted(c.oid),
                                   pg_postmaster_start_time(), d.stats_reset, b.stats_reset)
        from unnest(@names) n(quoted) join pg_class c on c.oid = to_regclass(n.quoted) cross join pg_stat_bgwriter b join pg_stat_database d on d.datname = current_database()
        where current_setting('server_version_num')::int >= 150000 and current_setting('track_counts') = 'on'
          and not exists (select from pg_db_role_setting r cross join lateral unnest(r.setconfig) s(setting) where s.setting like 'track_counts=%')
        """;

    /// <summary>The counts of these tables as they are now; empty where the server's counts prove nothing.</summary>
    /// <param name="session">The server.</param>
    /// <param name="names">The tables, as SQL takes them.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task<Dictionary<string, string>> ReadAsync(NpgsqlConnection session, string[] names, CancellationToken cancel) =>
        (await session.RowsAsync(Sql, row => (Name: row.GetString(0), State: row.GetString(1)), cancel, new NpgsqlParameter<string[]>("names", names))).ToDictionary(row => row.Name, row => row.State);
}
