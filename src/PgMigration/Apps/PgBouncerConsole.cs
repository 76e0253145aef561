namespace PgMigration;

/// <summary>PgBouncer's admin console: sessions on its database <c>pgbouncer</c>.</summary>
internal static class PgBouncerConsole
{
    /// <summary>The database of the console.</summary>
    public const string Database = "pgbouncer";

    // What answers at once or not at all: a pooler that stands still accepts connections all the same.
    private static readonly TimeSpan AnswersWithin = TimeSpan.FromSeconds(10);

    /// <summary>Logs in.</summary>
    /// <inheritdoc cref="WireSession.ConnectAsync" path="/exception"/>
    public static Task<WireSession> ConnectAsync(PgServer console, CancellationToken cancel) => ConnectAsync(console, AnswersWithin, cancel);

    /// <summary>The same, with another limit for the login and each command, and another application_name.</summary>
    internal static Task<WireSession> ConnectAsync(PgServer console, TimeSpan within, CancellationToken cancel, string name = "PgMigration") =>
        WireSession.ConnectAsync(console.WithDatabase(Database), "PgBouncer's admin console", name, within, cancel);
}
