using PgMigration.Wal;

namespace PgMigration;

/// <summary>The base backups that a hosting company takes of its own server, as its superuser and beside its data directory.</summary>
public static class HostBackup
{
    /// <summary>Takes one into the archive while the server runs.</summary>
    public static async Task<WalBackup> TakeAsync(LockedDownHost host, ArchiveAccess archive, IMigrationObserver observer, CancellationToken cancel)
    {
        using var storage = ArchiveStorage.Open(archive);
        await using var session = await host.Superuser.ConnectAsync(cancel);
        bool exclusiveKnown = await session.ScalarAsync<bool>("SELECT current_setting('server_version_num')::int < 150000", cancel);
        return await new BackupWriter(storage, host.Local.DataDirectory, observer: observer).WriteAsync(StartAsync, StopAsync, cancel);

        // up to 14 the functions have another name, and an argument that keeps the exclusive way out
        async Task<BackupStart> StartAsync(CancellationToken token)
        {
            string begin = exclusiveKnown ? "pg_start_backup('rehearsal', true, false)" : "pg_backup_start('rehearsal', true)";
            var rows = await session.RowsAsync(
                $"""
                SELECT {begin}::text, timeline_id, pg_size_bytes(current_setting('wal_segment_size'))::int, system_identifier, current_setting('server_version_num')::int
                FROM pg_control_checkpoint(), pg_control_system()
                """,
                row => new BackupStart(Lsn.Parse(row.GetString(0)), (uint)row.GetInt32(1), row.GetInt32(2), (ulong)row.GetInt64(3), row.GetInt32(4)), token);
            return rows[0];
        }

        // waits until the WAL of the backup is in the archive: without it the backup is of no use
        async Task<BackupStop> StopAsync(CancellationToken token) =>
            (await session.RowsAsync($"SELECT lsn::text, labelfile, spcmapfile FROM {(exclusiveKnown ? "pg_stop_backup(false)" : "pg_backup_stop()")}",
                row => new BackupStop(Lsn.Parse(row.GetString(0)), row.GetString(1), row.GetString(2)), token))[0];
    }
}
