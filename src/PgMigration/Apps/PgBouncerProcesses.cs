using System.Globalization;
using System.Security.Cryptography;

namespace PgMigration;

/// <summary>Whether one process, and only one, answers at a console's address: PAUSE reaches no other.</summary>
internal static class PgBouncerProcesses
{
    // Of two processes between which logins are dealt out at random, so many reach only one in one case of two thousand.
    private const int Logins = 12;

    /// <summary>Refuses an address that several processes share.</summary>
    /// <param name="address">The console's.</param>
    /// <param name="console">A session on it.</param>
    /// <param name="config">What SHOW CONFIG said.</param>
    /// <param name="cancel">Ends the check.</param>
    /// <exception cref="MigrationException"><c>PgBouncerSeveralProcesses</c>, with how to name each of them.</exception>
    public static async Task CheckAsync(PgServer address, WireSession console, IReadOnlyDictionary<string, string?> config, CancellationToken cancel)
    {
        if (address.Host.StartsWith('/'))
        {
            return; // each process has a socket of its own
        }

        if (config.GetValueOrDefault("so_reuseport") is "1" or "yes" or "on")
        {
            throw Several(address, config, "so_reuseport = 1");
        }

        if (await FindPeersAsync(console, cancel) is > 1 and var peers)
        {
            throw Several(address, config, string.Create(CultureInfo.InvariantCulture, $"SHOW PEERS lists {peers}"));
        }

        string name = $"PgMigration {RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        var opening = Enumerable.Range(0, Logins).Select(_ => PgBouncerConsole.ConnectAsync(address, TimeSpan.FromSeconds(10), cancel, name)).ToArray();
        try
        {
            await Task.WhenAll(opening);
            var first = await opening[0];
            var seen = await first.AskAsync("SHOW CLIENTS", cancel);
            // before 1.18 a client's name is not shown; then the console's clients are counted
            int found = seen.Count(row => row.TryGetValue("application_name", out string? its) ? its == name : row["database"] == PgBouncerConsole.Database);
            if (found < Logins)
            {
                throw Several(address, config, string.Create(CultureInfo.InvariantCulture, $"of {Logins} logins on the console only {found} reached the same process"));
            }
        }
        finally
        {
            foreach (var task in opening)
            {
                await ((Task)task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (task.IsCompletedSuccessfully)
                {
                    await (await task).DisposeAsync();
                }
            }
        }
    }

    private static async Task<int> FindPeersAsync(WireSession console, CancellationToken cancel)
    {
        try
        {
            return (await console.AskAsync("SHOW PEERS", cancel)).Count;
        }
        catch (MigrationException error) when (error.ErrorId == "PgBouncerRefused")
        {
            return 0; // a version without peers
        }
    }

    private static MigrationException Several(PgServer address, IReadOnlyDictionary<string, string?> config, string why)
    {
        string socket = config.GetValueOrDefault("unix_socket_dir") is { Length: > 1 } folder && folder[0] == '/' ? folder : "/run/pgbouncer1";
        return new MigrationException("PgBouncerSeveralProcesses", MigrationErrorKind.InvalidOperation, string.Create(CultureInfo.InvariantCulture,
            $"Several PgBouncer processes share the address {address.Host}:{address.Port} ({why}), and PAUSE would reach only one of them: the clients of the others would stay on the old server. Name each process by its own socket (its unix_socket_dir and listen_port), or by an address that only it has: New-MigrationApp -PgBouncer 'host={socket} port={address.Port} user={address.User} dbname=pgbouncer', '…' with one -ConfigFile each."));
    }
}
