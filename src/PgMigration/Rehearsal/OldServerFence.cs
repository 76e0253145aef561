using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Tries to write to a fenced server by the app's login, in every way that an app could.</summary>
internal static class OldServerFence
{
    // each way as the statements before the write; the session itself already overrides the read-only default
    private static readonly string[][] Ways = [[], ["SET default_transaction_read_only = off"], ["BEGIN READ WRITE"], ["BEGIN", "SET TRANSACTION READ WRITE"]];

    /// <summary>Proves that none of them succeeds; what does succeed within a transaction is rolled back.</summary>
    public static async Task<RehearsalProof> ProveAsync(PgServer server, CancellationToken cancel)
    {
        var accepted = new List<string>();
        var refusals = new SortedSet<string>(StringComparer.Ordinal);
        int tried = 0;
        foreach (var table in RehearsalTable.All)
        {
            foreach (string write in (string[])[$"INSERT INTO {table.Name} (token, writer) VALUES (0, 0)", $"UPDATE {table.Name} SET note = note", $"DELETE FROM {table.Name} WHERE token = 0"])
            {
                foreach (var way in Ways)
                {
                    tried++;
                    if (await RefusalAsync(server, way, write, cancel) is { } refusal)
                    {
                        refusals.Add(refusal);
                    }
                    else
                    {
                        accepted.Add($"{string.Join("; ", [.. way, write])} was let through");
                    }
                }
            }
        }

        return RehearsalProof.Of(RehearsalProofs.FenceStands, accepted, string.Create(CultureInfo.InvariantCulture, $"{tried} ways to write tried, each refused ({string.Join(", ", refusals)})"));
    }

    /// <summary>The server's code when it refused; null when it took the write.</summary>
    private static async Task<string?> RefusalAsync(PgServer server, string[] way, string write, CancellationToken cancel)
    {
        try
        {
            await using var connection = await server.ConnectAsync("-c default_transaction_read_only=off", cancel);
            foreach (string statement in way.Append(write))
            {
                await connection.ExecuteAsync(statement, cancel);
            }

            return null;
        }
        catch (Exception error) when (error is NpgsqlException or MigrationException)
        {
            var failure = RehearsalWriter.FailureOf(error, DateTime.UtcNow, 0, pooled: false, []);
            if (failure.SqlState is null)
            {
                // a server that is not there refuses nothing
                throw;
            }

            return failure.SqlState;
        }
    }
}
