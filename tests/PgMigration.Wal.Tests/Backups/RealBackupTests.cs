using System.Diagnostics;
using System.Globalization;
using System.Text;
using Npgsql;

namespace PgMigration.Wal;

/// <summary>A running PostgreSQL is backed up under load, and what comes out of the archive with the usual tools starts.</summary>
public sealed class RealBackupTests : IAsyncLifetime
{
    private readonly string _folder = $"/tmp/pgm-real-{Guid.NewGuid().ToString("N")[..8]}";
    private TestPostgres _source = null!;
    private LocalServer? _restored;

    private string Archive => Path.Combine(_folder, "archive");

    private OSUser User => _source.Local.User;

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(Path.Combine(Archive, "wal_005"));
        await RunAsync(OSUser.Current, "chmod", "0777", _folder, Archive, Path.Combine(Archive, "wal_005"));
        _source = await TestPostgres.StartAsync(["archive_mode = on", $"archive_command = 'test ! -f {Archive}/wal_005/%f && cp %p {Archive}/wal_005/%f'"]);
        await RunAsync(User, "mkdir", "-m", "0700", $"{_folder}/ts");
        await TestPostgres.ExecuteAsync(_source.Server,
            $"CREATE TABLESPACE fast LOCATION '{_folder}/ts'",
            "CREATE TABLE counted (id bigint PRIMARY KEY, filler text)",
            "INSERT INTO counted SELECT n, repeat(md5(n::text), 10) FROM generate_series(1, 30000) n",
            "CREATE TABLE placed (id int PRIMARY KEY) TABLESPACE fast",
            "INSERT INTO placed SELECT generate_series(1, 1000)",
            "CREATE UNLOGGED TABLE forgotten (id int PRIMARY KEY)",
            "INSERT INTO forgotten SELECT generate_series(1, 1000)",
            "CHECKPOINT");
    }

    public async Task DisposeAsync()
    {
        await (_restored?.StopAsync("immediate") ?? Task.CompletedTask);
        await _source.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_backup_taken_under_load_starts_and_holds_every_commit()
    {
        using var storage = ArchiveStorage.Open(Archive);
        using var enough = new CancellationTokenSource();
        var writing = WriteRowsAsync(enough.Token);
        var backup = await BackUpAsync(storage);
        await enough.CancelAsync();
        long last = await writing;
        await TestPostgres.ExecuteAsync(_source.Server, "SELECT pg_switch_wal()");
        await WaitForSegmentAsync(await TestPostgres.QueryAsync<string>(_source.Server, "SELECT pg_walfile_name(pg_current_wal_lsn() - 1)"));

        await ExtractAsync(storage, backup);
        var server = await StartRestoredAsync(backup);

        Assert.True(last > 30_000, "nothing was written meanwhile");
        Assert.Equal(last, await TestPostgres.QueryAsync<long>(server, "SELECT count(*) FROM counted"));
        Assert.Equal(1000L, await TestPostgres.QueryAsync<long>(server, "SELECT count(*) FROM placed"));
        Assert.Equal(0L, await TestPostgres.QueryAsync<long>(server, "SELECT count(*) FROM forgotten"));
        await TestPostgres.ExecuteAsync(server, "CREATE EXTENSION amcheck", "SELECT bt_index_check('counted_pkey', true)");
        Assert.Equal(0L, await TestPostgres.QueryAsync<long>(server, "SELECT count(*) FROM verify_heapam('counted')"));
    }

    [Fact]
    public async Task Real_segments_pass_the_check_and_those_of_another_cluster_do_not()
    {
        await TestPostgres.ExecuteAsync(_source.Server, "SELECT pg_switch_wal()");
        string name = await TestPostgres.QueryAsync<string>(_source.Server, "SELECT pg_walfile_name(pg_current_wal_lsn() - 1)");
        await WaitForSegmentAsync(name);
        string file = Path.Combine(Archive, "wal_005", name);
        ulong cluster = (ulong)await TestPostgres.QueryAsync<long>(_source.Server, "SELECT system_identifier FROM pg_control_system()");
        var check = new SegmentCheck(cluster, WalSegmentName.DefaultSize, _source.Local.Binaries.MajorVersion);
        using var storage = ArchiveStorage.Open(Directory.CreateDirectory(Path.Combine(_folder, "compressed")).FullName);

        Assert.True(await SegmentWriter.PushAsync(storage, file, name));

        string target = Path.Combine(_folder, "segment");
        Assert.True(await new SegmentStore(storage, check).FetchAsync(name, target));
        Some.AssertSame(await File.ReadAllBytesAsync(file), await File.ReadAllBytesAsync(target));
        var foreign = await Assert.ThrowsAsync<MigrationException>(() => new SegmentStore(storage, check with { SystemIdentifier = 1 }).FetchAsync(name, target));
        Assert.Equal("SegmentForeign", foreign.ErrorId);
    }

    [Fact]
    public async Task Every_record_of_real_segments_matches_its_checksum_until_three_bytes_are_overwritten()
    {
        string first = await TestPostgres.QueryAsync<string>(_source.Server, "SELECT pg_walfile_name(pg_current_wal_lsn())");
        await TestPostgres.ExecuteAsync(_source.Server,
            "INSERT INTO counted SELECT n, repeat(md5(n::text), 10) FROM generate_series(30001, 130000) n", "VACUUM FREEZE counted", "SELECT pg_switch_wal()");
        await WaitForSegmentAsync(await TestPostgres.QueryAsync<string>(_source.Server, "SELECT pg_walfile_name(pg_current_wal_lsn() - 1)"));

        string[] files = [.. Directory.GetFiles(Path.Combine(Archive, "wal_005")).Where(file => Path.GetFileName(file).Length == 24).Order()];
        Assert.InRange(files.Length, 3, 100);
        foreach (string file in files)
        {
            new WalRecordCheck().Append(await File.ReadAllBytesAsync(file));
        }

        byte[] damaged = await File.ReadAllBytesAsync(Path.Combine(Archive, "wal_005", first));
        damaged.AsSpan(1_500_000, 3).Fill(0xEE);
        Assert.Throws<InvalidDataException>(() => new WalRecordCheck().Append(damaged));
    }

    private async Task<WalBackup> BackUpAsync(IArchiveStorage storage)
    {
        await using var session = await _source.Server.ConnectAsync();
        var options = new BackupWriterOptions { PartSize = 8 << 20, Parallelism = 2 };
        return await new BackupWriter(storage, _source.Local.DataDirectory, options).WriteAsync(
            async token =>
            {
                await using var command = new NpgsqlCommand("""
                    SELECT pg_backup_start('test', true)::text, (pg_control_checkpoint()).timeline_id, (pg_control_system()).system_identifier,
                           current_setting('server_version_num')::int
                    """, session);
                await using var row = await command.ExecuteReaderAsync(token);
                await row.ReadAsync(token);
                return new BackupStart(Lsn.Parse(row.GetString(0)), (uint)row.GetInt32(1), WalSegmentName.DefaultSize, (ulong)row.GetInt64(2), row.GetInt32(3));
            },
            async token =>
            {
                await using var command = new NpgsqlCommand("SELECT lsn::text, labelfile, spcmapfile FROM pg_backup_stop(true)", session);
                await using var row = await command.ExecuteReaderAsync(token);
                await row.ReadAsync(token);
                return new BackupStop(Lsn.Parse(row.GetString(0)), row.GetString(1), row.GetString(2));
            });
    }

    private async Task<long> WriteRowsAsync(CancellationToken enough)
    {
        await using var session = await _source.Server.ConnectAsync(CancellationToken.None);
        await TestPostgres.ExecuteAsync(_source.Server, "CREATE SEQUENCE next_id START 30001");
        await using var command = new NpgsqlCommand("INSERT INTO counted SELECT nextval('next_id'), repeat('x', 400) RETURNING id", session);
        long last = 30_000;
        do
        {
            last = (long)(await command.ExecuteScalarAsync(CancellationToken.None))!;
        }
        while (!enough.IsCancellationRequested);
        return last;
    }

    private async Task WaitForSegmentAsync(string name)
    {
        for (var deadline = Stopwatch.StartNew(); !await ArchivedAsync(); await Task.Delay(50))
        {
            Assert.True(deadline.Elapsed < TimeSpan.FromSeconds(30), $"{name} was not archived");
        }

        async Task<bool> ArchivedAsync() => await TestPostgres.QueryAsync<bool>(_source.Server, $"SELECT coalesce(last_archived_wal >= '{name}', false) FROM pg_stat_archiver");
    }

    // With the programs of a shell, not with ours: what is in the archive is what others can read.
    private async Task ExtractAsync(IArchiveStorage storage, WalBackup backup)
    {
        string data = Path.Combine(_folder, "data");
        await RunAsync(User, "mkdir", "-m", "0700", data);
        int parts = 0;
        await foreach (var part in storage.ListAsync($"basebackups_005/{backup.Name}/tar_partitions/"))
        {
            await RunAsync(OSUser.Current, "sh", "-c", $"lz4 -dc '{Archive}/{part.Name}' | tar -x -C '{data}' 2>/dev/null");
            parts++;
        }

        Assert.True(parts > 4, $"{parts} parts");
        var tablespace = Assert.Single(backup.Tablespaces);
        Assert.Equal($"{_folder}/ts", tablespace.Location);
        string oid = tablespace.Oid.ToString(CultureInfo.InvariantCulture);
        await RunAsync(User, "mv", $"{data}/pg_tblspc/{oid}", $"{_folder}/ts2");
        await RunAsync(User, "ln", "-s", $"{_folder}/ts2", $"{data}/pg_tblspc/{oid}");
        File.Delete($"{data}/tablespace_map"); // it would lead back to the source's folder
    }

    private async Task<PgServer> StartRestoredAsync(WalBackup backup)
    {
        Assert.Equal(15, backup.MajorVersion);
        int port = TestPostgres.FreePort();
        string data = Path.Combine(_folder, "data");
        await File.AppendAllTextAsync(Path.Combine(data, "postgresql.conf"),
            $"\nport = {port.ToString(CultureInfo.InvariantCulture)}\nunix_socket_directories = '{data}'\narchive_mode = off\nrestore_command = 'cp {Archive}/wal_005/%f %p'\n", Encoding.ASCII);
        await RunAsync(User, "touch", $"{data}/recovery.signal");
        _restored = new LocalServer(_source.Local.Binaries, data, User);
        await _restored.StartAsync();
        var server = new PgServer("127.0.0.1", port, "postgres", "postgres");
        for (var deadline = Stopwatch.StartNew(); await TestPostgres.QueryAsync<bool>(server, "SELECT pg_is_in_recovery()"); await Task.Delay(50))
        {
            Assert.True(deadline.Elapsed < TimeSpan.FromSeconds(60), "recovery does not end");
        }

        return server;
    }

    private static async Task RunAsync(OSUser user, string program, params string[] arguments)
    {
        using var process = Process.Start(user.Command(program, arguments))!;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode.ToString(CultureInfo.InvariantCulture)}");
    }
}
