namespace PgMigration;

/// <summary>The server of one's own in the middle: where the first leg ends and the second begins.</summary>
/// <param name="App">Its database by the app's login.</param>
/// <param name="Superuser">The same by its superuser.</param>
public sealed record OwnServer(PgServer App, PgServer Superuser);
