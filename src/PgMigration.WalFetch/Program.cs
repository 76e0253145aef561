using PgMigration.WalFetch;

// restore_command = '…/pgmigration-walfetch %f %p %r', run by PostgreSQL in the data directory.
// Exit code 0: the file is at %p. 1: it is not there (yet). Never above 125, and never by a signal: either would end the standby
// (RestoreArchivedFile in PostgreSQL's xlogarchive.c), and one blip would end a link of days.
try
{
    Signals.EndOrdinarily();
    switch (args)
    {
        case ["start", var dataDirectory]:
            return Start(dataDirectory);
        case [var file, var destination]:
            return WalRequest.Run(file, destination, oldestNeeded: "-");
        case [var file, var destination, var oldestNeeded]:
            return WalRequest.Run(file, destination, oldestNeeded);
        default:
            return Complain("called with the wrong arguments; expected restore_command = '…/pgmigration-walfetch %f %p %r'");
    }
}
#pragma warning disable CA1031 // whatever it is, an unhandled exception would abort by a signal and end the standby
catch (Exception error)
#pragma warning restore CA1031
{
    return Complain(error.GetType().Name + ": " + error.Message);
}

static int Start(string dataDirectory)
{
    if (LibC.chdir(dataDirectory) != 0)
    {
        return Complain("cannot enter the data directory " + dataDirectory);
    }

    using var connection = PrefetcherConnection.Open(untilMilliseconds: Environment.TickCount64 + 10_000);
    return connection is null ? 1 : 0;
}

static int Complain(string message)
{
    StandardError.WriteLine(message);
    return 1;
}
