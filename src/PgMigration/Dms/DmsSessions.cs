using Npgsql;

namespace PgMigration;

/// <summary>DMS's sessions on the source: the fence spares them, or the link would end before it is drained.</summary>
/// <remarks>
/// Its walsenders, by login; and its ordinary sessions, which come from the same machine as they do. A session of the same login from elsewhere
/// is not DMS's.
/// </remarks>
internal static class DmsSessions
{
    /// <summary>Whether a row <c>a</c> of pg_stat_activity is one of them, by <c>@spared</c> logins: asked each time, since DMS opens new ones when it likes.</summary>
    public const string IsOne = """
        (a.usename = any (@spared) and (a.backend_type = 'walsender' or exists (select from pg_stat_activity w
             where w.backend_type = 'walsender' and w.usename = a.usename and w.datname = a.datname and w.client_addr is not distinct from a.client_addr)))
        """;

    /// <summary>The logins, as that takes them.</summary>
    public static NpgsqlParameter<string[]> Spared(string[] logins) => new("spared", logins);

    /// <summary>Their process ids.</summary>
    public static async Task<int[]> FindAsync(NpgsqlConnection source, string[] logins, CancellationToken cancel) => logins.Length == 0 ? [] : [.. await source.RowsAsync(
        $"select a.pid from pg_stat_activity a where a.datname = current_database() and a.pid <> pg_backend_pid() and {IsOne}", row => row.GetInt32(0), cancel, Spared(logins))];
}
