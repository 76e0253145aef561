using Npgsql;

namespace PgMigration;

/// <summary>DMS's sessions on the source: the fence spares them, or the link would end before it is drained.</summary>
/// <remarks>
/// Its walsenders, by login; and its ordinary sessions, which come from the same machine as they do. A session of the same login from elsewhere
/// is not DMS's.
/// </remarks>
internal static class DmsSessions
{
    /// <summary>Their process ids.</summary>
    public static async Task<int[]> FindAsync(NpgsqlConnection source, string[] logins, CancellationToken cancel) => logins.Length == 0 ? [] : [.. await source.RowsAsync("""
        select a.pid from pg_stat_activity a
        where a.datname = current_database() and a.usename = any (@logins)
          and (a.backend_type = 'walsender' or exists (select from pg_stat_activity w
               where w.backend_type = 'walsender' and w.usename = a.usename and w.datname = a.datname and w.client_addr is not distinct from a.client_addr))
          and a.pid <> pg_backend_pid()
        """, row => row.GetInt32(0), cancel, new NpgsqlParameter<string[]>("logins", logins))];
}
