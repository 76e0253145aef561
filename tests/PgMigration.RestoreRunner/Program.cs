using System.Globalization;
using Npgsql;
using PgMigration;
using PgMigration.Wal;

// load <archive> <backup> <data directory>: the files only; prints the peak of its memory.
// start <archive> <data directory> <port> <folder of the programs>: the whole restore.
// backup <archive> <data directory> <port> <megabytes of a part>: takes a base backup of a local server.
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
            await new BackupLoader(storage, contents, layout, new LoadOptions(), IMigrationObserver.None).LoadAsync(CancellationToken.None);
        }

        // VmHWM: the most that it ever had in memory, in kB
        Console.WriteLine("PEAK " + File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2]);
        return 0;
    case ["start", var archive, var directory, var port, var programs]:
        await WalRestore.StartAsync(
            new WalRestoreOptions
            {
                Archive = ArchiveAccess.To(archive), DataDirectory = directory, Port = int.Parse(port, CultureInfo.InvariantCulture), ProgramFolder = programs, Parallelism = 1,
            }, IMigrationObserver.None);
        return 0;
    case ["backup", var archive, var directory, var port, var megabytes]:
        using (var storage = ArchiveStorage.Open(archive))
        {
            await using var session = await new PgServer("127.0.0.1", int.Parse(port, CultureInfo.InvariantCulture), "postgres", "postgres").ConnectAsync();
            var options = new BackupWriterOptions { PartSize = long.Parse(megabytes, CultureInfo.InvariantCulture) << 20 };
            Console.WriteLine(await new BackupWriter(storage, directory, options).WriteAsync(_ => BeginAsync(session), _ => EndAsync(session)));
        }

        return 0;
    default:
        return 2;
}

static async Task<BackupStart> BeginAsync(NpgsqlConnection session)
{
    await using var command = new NpgsqlCommand("""
        SELECT pg_backup_start('runner', true)::text, timeline_id, (SELECT setting::int FROM pg_settings WHERE name = 'wal_segment_size'), system_identifier, current_setting('server_version_num')::int
        FROM pg_control_checkpoint(), pg_control_system()
        """, session);
    await using var reader = await command.ExecuteReaderAsync();
    await reader.ReadAsync();
    return new BackupStart(Lsn.Parse(reader.GetString(0)), (uint)reader.GetInt32(1), reader.GetInt32(2), (ulong)reader.GetInt64(3), reader.GetInt32(4));
}

static async Task<BackupStop> EndAsync(NpgsqlConnection session)
{
    await using var command = new NpgsqlCommand("SELECT lsn::text, labelfile, spcmapfile FROM pg_backup_stop(false)", session);
    await using var reader = await command.ExecuteReaderAsync();
    await reader.ReadAsync();
    return new BackupStop(Lsn.Parse(reader.GetString(0)), reader.GetString(1), reader.GetString(2));
}
