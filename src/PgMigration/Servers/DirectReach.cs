using System.Globalization;
using System.Security.Cryptography;
using Npgsql;

namespace PgMigration;

/// <summary>Proves that an address leads to the server itself: one session of ours is one session there, and starts as we asked.</summary>
/// <remarks>
/// A pooler may drop a session's options without a word, and a session's state (settings, locks, temporary tables) then lies in whichever server
/// session comes next: what fences a server would end its own session. A proxy that passes each connection on as one connection does no harm.
/// </remarks>
internal static class DirectReach
{
    private const string Setting = "pgmigration.probe";

    private static readonly TimeSpan HintWithin = TimeSpan.FromSeconds(5);

    // One for the whole process: sessions that start with the same options share what the driver has learnt about the server.
    private static readonly string Nonce = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>The startup option of every session that <see cref="CheckAsync"/> is to look at.</summary>
    public static string Option { get; } = $"-c {Setting}={Nonce}";

    /// <summary>Looks at one session that was opened with <see cref="Option"/>. One round trip.</summary>
    /// <param name="session">The session.</param>
    /// <param name="server">Its server.</param>
    /// <param name="role">What the server is to the user, such as <c>source</c>: also the parameter that takes its address.</param>
    /// <param name="cancel">Ends the check.</param>
    /// <exception cref="MigrationException"><c>ServerBehindPooler</c>, with the address behind the pooler where that can be asked.</exception>
    public static async Task CheckAsync(NpgsqlConnection session, PgServer server, string role, CancellationToken cancel)
    {
        if (Differs(await LookAsync(session, cancel), session.ProcessID, Nonce) is { } seen)
        {
            throw await BehindPoolerAsync(server, role, seen, null, cancel);
        }
    }

    /// <summary>Proves it with two sessions of which each must keep its process and its settings while the other works.</summary>
    /// <inheritdoc cref="CheckAsync" path="/param"/>
    /// <inheritdoc cref="CheckAsync" path="/exception"/>
    public static async Task ProveAsync(PgServer server, string role, CancellationToken cancel)
    {
        await using var one = await OpenAsync(server, role, cancel);
        await using var other = await OpenAsync(server, role, cancel);
        await CheckAsync(one, server, role, cancel);
        string changed = Nonce + "1";
        await one.ExecuteAsync($"select pg_catalog.set_config('{Setting}', '{changed}', false)", cancel);
        await other.ExecuteAsync("begin", cancel);
        var seenByOther = await LookAsync(other, cancel); // takes the server session that is free, if there are fewer of them than of ours
        var seenByOne = await LookAsync(one, cancel);
        await other.ExecuteAsync("commit", cancel);
        string? seen = Differs(seenByOther, other.ProcessID, Nonce) ?? Differs(seenByOne, one.ProcessID, changed)
            ?? (seenByOne.Process == seenByOther.Process ? string.Create(CultureInfo.InvariantCulture, $"two sessions had the same server process {seenByOne.Process}") : null);
        if (seen is not null)
        {
            throw await BehindPoolerAsync(server, role, seen, null, cancel);
        }
    }

    /// <summary>Opens a session with <see cref="Option"/> among its options; what a pooler refuses is explained.</summary>
    /// <inheritdoc cref="CheckAsync" path="/param"/>
    /// <inheritdoc cref="CheckAsync" path="/exception"/>
    public static Task<NpgsqlConnection> OpenAsync(PgServer server, string role, CancellationToken cancel) => OpenAsync(server, role, string.Empty, 0, cancel);

    /// <summary>The same, with further options and a limit for each statement.</summary>
    public static async Task<NpgsqlConnection> OpenAsync(PgServer server, string role, string options, int statementSeconds, CancellationToken cancel)
    {
        try
        {
            return await server.ConnectAsync($"{options} {Option}".TrimStart(), statementSeconds, cancel);
        }
        catch (MigrationException error) when (error.ErrorId == "ServerBehindPooler")
        {
            throw await BehindPoolerAsync(server, role, "it refused the session's options", error, cancel);
        }
    }

    private static async Task<(int Process, string Setting)> LookAsync(NpgsqlConnection session, CancellationToken cancel) => (await session.RowsAsync(
        $"select pg_catalog.pg_backend_pid(), coalesce(pg_catalog.current_setting('{Setting}', true), '')", row => (row.GetInt32(0), row.GetString(1)), cancel))[0];

    // The process in the answer to the login is what a cancellation and our own list of sessions go by.
    private static string? Differs((int Process, string Setting) seen, int process, string setting) =>
        seen.Setting != setting ? "a setting of the session was lost"
        : seen.Process != process ? string.Create(CultureInfo.InvariantCulture, $"the session was announced as process {process} and is {seen.Process}") : null;

    private static async Task<MigrationException> BehindPoolerAsync(PgServer server, string role, string seen, Exception? cause, CancellationToken cancel)
    {
        string behind = await FindBehindAsync(server, cancel) is { } address ? $" The pooler reaches that server at {address}." : string.Empty;
        return new MigrationException("ServerBehindPooler", MigrationErrorKind.InvalidArgument,
            $"The address {server.Host}:{server.Port} of the {role} leads through a connection pooler: {seen}. Sessions there must be the server's own, with their options and locks.{behind} Give the server's own address as the {role} (-{char.ToUpperInvariant(role[0])}{role[1..]}); the app may keep the pooler's.", cause);
    }

    // Plainly, as the simplest of clients asks: with no option that the pooler could refuse.
    private static async Task<string?> FindBehindAsync(PgServer server, CancellationToken cancel)
    {
        try
        {
            await using var session = await WireSession.ConnectAsync(server, "The pooler", "PgMigration", HintWithin, cancel);
            return (await session.AskAsync("select pg_catalog.host(pg_catalog.inet_server_addr()) || ':' || pg_catalog.inet_server_port()", cancel)) is [var row, ..] ? row.Values.FirstOrDefault() : null;
        }
        catch (Exception error) when (error is MigrationException or IOException)
        {
            return null;
        }
    }
}
