using Npgsql;

namespace PgMigration;

/// <summary>What names one running server whatever address leads to it: its cluster, and when it was started.</summary>
/// <remarks>A physical copy shares the cluster's identifier with its source, but not the start. Any login may ask both.</remarks>
internal static class ServerIdentity
{
    /// <summary>The question, for any login's session: no name in it is looked up on the session's own path.</summary>
    public const string Sql =
        "select pg_catalog.format('%s since %s', (select system_identifier from pg_catalog.pg_control_system()), pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.pg_postmaster_start_time()), 'YYYY-MM-DD HH24:MI:SS.US'))";

    /// <summary>Asks a server.</summary>
    public static Task<string> ReadAsync(NpgsqlConnection session, CancellationToken cancel) => session.ScalarAsync<string>(Sql, cancel);

    /// <summary>Asks a server over a session of its own.</summary>
    public static async Task<string> ReadAsync(PgServer server, CancellationToken cancel)
    {
        await using var session = await server.ConnectAsync(cancel);
        return await ReadAsync(session, cancel);
    }
}
