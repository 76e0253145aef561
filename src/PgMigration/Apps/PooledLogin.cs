namespace PgMigration;

/// <summary>A client of a pooler, as the app is one: who answers it.</summary>
internal static class PooledLogin
{
    // What a pooler says of a client that it does not let in. The words differ from version to version, and a server's refusal may read the same.
    private static readonly string[] Refusals = ["authentication failed", "no such user", "auth failed", "not allowed", "login rejected", "auth_query", "no pg_hba.conf entry", "password required"];

    /// <summary>Logs in to an entry and asks the server there for its <see cref="ServerIdentity"/>.</summary>
    /// <param name="console">The pooler's address and its demands on TLS.</param>
    /// <param name="entry">The entry of [databases].</param>
    /// <param name="login">User and password.</param>
    /// <param name="within">The limit for the login, and for the query.</param>
    /// <param name="cancel">Ends it.</param>
    /// <inheritdoc cref="WireSession.ConnectAsync" path="/exception"/>
    public static async Task<string> IdentifyAsync(PgServer console, string entry, PgServer login, TimeSpan within, CancellationToken cancel)
    {
        var client = login.WithHost(console.Host, console.Port).WithDatabase(entry).WithSslMode(console.SslMode, console.SslRootCert);
        if (client.FindPassword() is null && login.FindPassword() is { } password)
        {
            client = client.WithPassword(password); // a password file may name the server and not its pooler
        }

        await using var session = await WireSession.ConnectAsync(client, $"PgBouncer's entry '{entry}'", "PgMigration", within, cancel);
        return (await session.AskAsync(ServerIdentity.Sql, cancel)) is [var row, ..] && row.Values.FirstOrDefault() is { } identity ? identity
            : throw new MigrationException("NotPgBouncer", MigrationErrorKind.InvalidData, $"PgBouncer's entry '{entry}' answered a query with no row.");
    }

    /// <summary>Whether the pooler refused the client's login, rather than the server behind it; not sure, since a pooler passes the server's words on.</summary>
    public static bool IsRefused(MigrationException error) =>
        error.ErrorId == "PgBouncerRefused" && Refusals.Any(words => error.Message.Contains(words, StringComparison.OrdinalIgnoreCase));
}
