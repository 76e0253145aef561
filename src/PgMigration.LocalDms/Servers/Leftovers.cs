using Npgsql;

namespace PgMigration.LocalDms;

/// <summary>
/// Sessions that outlived the process that opened them. One may still be committing: what it commits after its successor has read how far
/// the task is would be done twice.
/// </summary>
internal static class Leftovers
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Ends the sessions of this name, and returns once they are gone.</summary>
    /// <exception cref="TimeoutException">One does not end: the run is tried again later.</exception>
    public static async Task EndAsync(NpgsqlConnection connection, string applicationName, CancellationToken cancel)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            int others = (await connection.ReadAsync(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()",
                row => row.GetBoolean(0), cancel, applicationName)).Count;
            if (others == 0)
            {
                return;
            }

            if (waited.Elapsed > Limit)
            {
                throw new TimeoutException($"{others} sessions of an earlier run of this task do not end ({applicationName}).");
            }

            await Task.Delay(50, cancel);
        }
    }
}
