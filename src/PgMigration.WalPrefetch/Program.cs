using System.Runtime.InteropServices;
using PgMigration;
using PgMigration.Wal;
using PgMigration.WalPrefetch;

// run <data directory>: the resident prefetcher, started by pgmigration-walfetch.
// credentials <archive.json>: makes the archive's credentials as this user, and prints when they end; nothing when they last.
// push <archive.json> <path> <name>: archive_command = '…/pgmigration-walprefetch push /…/archive.json %p %f'.
using var ending = new CancellationTokenSource();
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
try
{
    switch (args)
    {
        case ["run", var dataDirectory]:
            OwnFiles.AreForTheirOwnerOnly();
            var layout = new RestoreLayout(Path.GetFullPath(dataDirectory));
            Environment.CurrentDirectory = layout.DataDirectory; // the socket's path is short from there
            await new Prefetcher(layout).RunAsync(ending.Token);
            return 0;
        case ["credentials", var archive]:
            if (await ArchiveAccess.Load(archive).MakeCredentialsAsync() is { } ends)
            {
                Console.WriteLine(ends.ToString("O"));
            }

            return 0;
        case ["push", var archive, var path, var name]:
            await WalPush.RunAsync(archive, path, name, ending.Token);
            return 0;
        default:
            await Console.Error.WriteLineAsync("pgmigration-walprefetch: expected 'run <data directory>', 'credentials <archive.json>' or 'push <archive.json> <path> <name>'.");
            return 2;
    }
}
catch (OperationCanceledException)
{
    return 1;
}
catch (MigrationException error) when (error.ErrorId == "PrefetcherAlreadyRuns")
{
    await Console.Error.WriteLineAsync("pgmigration-walprefetch: " + error.Message);
    return 3;
}
#pragma warning disable CA1031 // exit code 1 and a sentence: an unhandled exception would abort, and PostgreSQL counts that as a crash of archive_command
catch (Exception error)
#pragma warning restore CA1031
{
    await Console.Error.WriteLineAsync("pgmigration-walprefetch: " + error.Message);
    return 1;
}

void End(PosixSignalContext signal)
{
    signal.Cancel = true;
    ending.Cancel();
}
