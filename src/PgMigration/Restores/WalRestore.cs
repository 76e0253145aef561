using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>Restores a base backup into a hot standby that follows its archive: the order of it, on one page.</summary>
public static class WalRestore
{
    /// <summary>Restores, starts and hands over the link. Run again after a kill at any moment, it goes on, or adopts what runs.</summary>
    /// <param name="options">What, from where, to where.</param>
    /// <param name="observer">Who watches.</param>
    /// <param name="cancel">Stops it; the directory stays as it is for the next run, and nothing keeps running that this run started.</param>
    /// <exception cref="MigrationException">What is wrong, and the next step.</exception>
    public static async Task<WalLink> StartAsync(WalRestoreOptions options, IMigrationObserver observer, CancellationToken cancel = default)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw NeedsLinux();
        }

        var layout = new RestoreLayout(options.DataDirectory);
        using var storage = ArchiveStorage.Open(options.Archive, observer: observer);
        try
        {
            return await StartAsync(options, layout, storage, observer, cancel);
        }
        catch (IOException error) when (FullDisk.IsCause(error))
        {
            throw FullDisk.Explain(layout.DataDirectory, "its own files were written", error);
        }
    }

    [SupportedOSPlatform("linux")]
    private static async Task<WalLink> StartAsync(WalRestoreOptions options, RestoreLayout layout, IArchiveStorage storage, IMigrationObserver observer, CancellationToken cancel)
    {
        var plan = await RestorePlan.MakeAsync(options, layout, storage, observer, cancel);
        using var taken = await plan.TakeDirectoryAsync(cancel);
        var running = new RestoredServer(layout, plan.Record, plan.Server);
        bool ranBefore = plan.Server.ProcessId is not null;
        try
        {
            await plan.InstallAsync(options.Archive, observer, cancel);
            await running.Prefetcher.StartAsync(cancel); // it has the first segments ready when the backup is loaded
            await new BackupLoader(storage, plan.Chain, layout, plan.LoadOptions, observer).LoadAsync(cancel);
            if (!ranBefore)
            {
                await running.ConfigureAsync(plan.Size, options.Source, cancel);
            }

            var superuser = await running.StartAsync(options, observer, cancel);
            var link = await running.LinkAsync(superuser, options.Source, observer, cancel);
            if (plan.LoadOptions.Verifier is { } verifier)
            {
                await new PageFindings(verifier, plan.Server).ReportAsync(link.Target, observer, cancel);
            }

            return link;
        }
        catch
        {
            if (!ranBefore)
            {
                await running.StopAsync(CancellationToken.None);
            }

            throw;
        }
    }

    /// <summary>Finds a restore in a new session.</summary>
    /// <param name="dataDirectory">Its data directory, absolute.</param>
    /// <param name="source">The source, whose secret is never stored; null if the distance to it is not to be measured.</param>
    /// <exception cref="MigrationException"><c>RestoreNotFound</c>, <c>RestoreUnfinished</c>.</exception>
    public static WalLink Find(string dataDirectory, PgServer? source = null)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw NeedsLinux();
        }

        var running = RestoredServer.Find(dataDirectory);
        return running.Record is { LinkedAt: not null, Superuser: { } superuser }
            ? running.Link(superuser, source)
            : throw new MigrationException("RestoreUnfinished", MigrationErrorKind.InvalidOperation,
                $"The restore in {dataDirectory} was never finished. Run Start-WalRestore with the same archive and directory: it goes on where it stopped.");
    }

    /// <summary>Finds a restore in a new session, and examines its server once more.</summary>
    /// <param name="dataDirectory">Its data directory, absolute.</param>
    /// <param name="source">The source, whose secret is never stored; null if the distance to it is not to be measured.</param>
    /// <param name="observer">Is told of findings.</param>
    /// <param name="cancel">Ends the examination.</param>
    /// <exception cref="MigrationException"><c>RestoreNotFound</c>, <c>RestoreUnfinished</c>.</exception>
    public static Task<WalLink> FindAsync(string dataDirectory, PgServer? source, IMigrationObserver observer, CancellationToken cancel = default)
    {
        var link = Find(dataDirectory, source);
        return OperatingSystem.IsLinux() && LocalServer.ReadProcessId(dataDirectory) is not null ? RestoredServer.WithFindingsAsync(link, observer, cancel) : Task.FromResult(link);
    }

    /// <summary>Stops the server and its prefetcher. The data stay, unless they are to be removed.</summary>
    /// <param name="dataDirectory">The data directory, absolute.</param>
    /// <param name="removeData">Remove the data directory and what lies in the folders of its tablespaces.</param>
    /// <param name="evenIfPromoted">Do so even when the server was promoted, and so may be the one that the app uses.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="MigrationException"><c>RestoreNotFound</c>, <c>ServerPromoted</c>.</exception>
    public static async Task StopAsync(string dataDirectory, bool removeData = false, bool evenIfPromoted = false, CancellationToken cancel = default)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw NeedsLinux();
        }

        var running = RestoredServer.Find(dataDirectory);
        if (!evenIfPromoted && await running.IsPromotedAsync(cancel))
        {
            throw new MigrationException("ServerPromoted", MigrationErrorKind.InvalidOperation,
                $"The server on {dataDirectory} was promoted: it follows no archive any more, and may be the one that the app uses. Nothing was stopped or removed; -Force does it all the same.");
        }

        await running.StopAsync(cancel);
        if (removeData)
        {
            running.RemoveData();
        }
    }

    private static MigrationException NeedsLinux() => new("RestoreNeedsLinux", MigrationErrorKind.NotSupported,
        "A restore runs PostgreSQL on this machine's disks, which needs Linux. Run it on the machine that is to hold the new server; lag, cutover and sequences work from here.");
}
