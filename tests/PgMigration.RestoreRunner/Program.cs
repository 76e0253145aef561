using System.Globalization;
using PgMigration;
using PgMigration.Wal;

// load <archive> <backup> <data directory>: the files only.
// start <archive> <data directory> <port> <folder of the programs>: the whole restore.
if (!OperatingSystem.IsLinux())
{
    return 2;
}

switch (args)
{
    case ["load", var archive, var backup, var directory]:
        var layout = new RestoreLayout(directory);
        Directory.CreateDirectory(layout.Folder);
        using (var storage = ArchiveStorage.Open(archive))
        {
            var chain = await BackupChain.FindAsync(storage, await BackupCatalog.FindAsync(storage, backup));
            var contents = await BackupContents.ListAsync(storage, chain, CancellationToken.None);
            await new BackupLoader(storage, contents, layout, new LoadOptions { Parallelism = 2 }, IMigrationObserver.None).LoadAsync(CancellationToken.None);
        }

        return 0;
    case ["start", var archive, var directory, var port, var programs]:
        await WalRestore.StartAsync(
            new WalRestoreOptions
            {
                Archive = ArchiveAccess.To(archive), DataDirectory = directory, Port = int.Parse(port, CultureInfo.InvariantCulture), ProgramFolder = programs, Parallelism = 1,
            }, IMigrationObserver.None);
        return 0;
    default:
        return 2;
}
