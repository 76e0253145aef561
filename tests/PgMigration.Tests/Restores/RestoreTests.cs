using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration.Tests;

/// <summary>Restores of one archiving server, each into a directory of its own.</summary>
[SupportedOSPlatform("linux")]
[Collection(ArchivingCollection.Name)]
public sealed class RestoreTests(ArchivingServer source) : IDisposable
{
    private readonly RestoreTarget _target = new(source);

    public void Dispose() => _target.Dispose();

    [Fact]
    public async Task A_backup_is_restored_followed_and_has_the_same_rows()
    {
        await source.FillAsync(20_000);
        await source.BackUpAsync(new BackupWriterOptions { PartSize = 4 << 20 });
        await source.AddAsync("later");
        await source.ArchiveNowAsync();

        var link = await _target.StartAsync();

        await _target.UntilSameAsync(link);
        Assert.True(await TestPostgres.QueryAsync<bool>(link.Target, "SELECT pg_is_in_recovery()"));
        Assert.Equal("postgres", link.Target.User);
        Assert.Equal(source.App.Database, link.TargetAddress.Database);

        // the app reaches it by TCP with the password that it has always had, encrypted if its address says so
        Assert.Equal(20_001, await TestPostgres.QueryAsync<long>(link.TargetAddress.WithSslMode("require"), "SELECT count(*) FROM item"));
        var refused = await Assert.ThrowsAsync<MigrationException>(() => link.TargetAddress.WithPassword("wrong").ConnectAsync());
        Assert.Equal("LoginRefused", refused.ErrorId);
    }

    [Fact]
    public async Task A_new_session_finds_the_link_stops_it_and_lets_it_follow_again()
    {
        await source.FillAsync(10);
        await source.BackUpAsync();
        await _target.StartAsync();

        var found = WalRestore.Find(_target.DataDirectory, source.App);
        Assert.Equal(LinkState.Following, (await found.MeasureLagAsync()).State);
        await WalRestore.StopAsync(_target.DataDirectory);
        var stopped = await found.MeasureLagAsync();
        Assert.Equal(LinkState.Stopped, stopped.State);
        Assert.Null(stopped.Time);

        await source.AddAsync("while it was stopped");
        await source.ArchiveNowAsync();
        var again = await _target.StartAsync();
        await _target.UntilSameAsync(again);
        var adopted = await _target.StartAsync(); // it runs already
        Assert.Equal(again.Target, adopted.Target);
    }

    [Fact]
    public async Task The_superusers_name_is_found_by_the_sources_login()
    {
        await source.FillAsync(10);
        await TestPostgres.ExecuteAsync(source.Admin, "CREATE ROLE helper SUPERUSER LOGIN");
        var helper = source.Postgres.Server.WithUser("helper");
        await TestPostgres.ExecuteAsync(helper, "ALTER ROLE postgres RENAME TO \"Host Admin\"");
        try
        {
            await source.BackUpAsync(asUser: "helper");
        }
        finally
        {
            await TestPostgres.ExecuteAsync(helper, "ALTER ROLE \"Host Admin\" RENAME TO postgres");
        }

        var link = await _target.StartAsync();

        await ArchivingServer.UntilAsync("its own superuser is found", async () => await TestPostgres.QueryAsync<bool>(link.Target, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"));
        Assert.Contains(link.Target.User, (string[])["Host Admin", "postgres"]);
    }

    [Fact]
    public async Task A_promoted_server_is_known_as_such_and_neither_stopped_nor_made_a_standby_again()
    {
        await source.FillAsync(10);
        await source.BackUpAsync();
        var link = await _target.StartAsync();
        await TestPostgres.ExecuteAsync(link.Target, "SELECT pg_promote(true, 30)");

        Assert.Equal(LinkState.Promoted, (await link.MeasureLagAsync()).State);
        Assert.Equal("ServerPromoted", (await Assert.ThrowsAsync<MigrationException>(() => WalRestore.StopAsync(_target.DataDirectory, removeData: true))).ErrorId);
        Assert.Equal("ServerPromoted", (await Assert.ThrowsAsync<MigrationException>(() => _target.StartAsync())).ErrorId);
        Assert.False(await TestPostgres.QueryAsync<bool>(link.Target, "SELECT pg_is_in_recovery()"));
        Assert.Equal("LinkPromoted", (await Assert.ThrowsAsync<MigrationException>(() => LagWait.UntilAsync(link, LagLimit.OfTime(TimeSpan.Zero), null, IMigrationObserver.None))).ErrorId);
    }

    [Fact]
    public async Task A_restore_that_is_cancelled_leaves_nothing_running_and_goes_on_later()
    {
        await source.FillAsync(10_000);
        await source.BackUpAsync(new BackupWriterOptions { PartSize = 1 << 20 });
        using var stop = new CancellationTokenSource();
        var observer = new CancellingObserver(stop);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _target.StartAsync(observer: observer, cancel: stop.Token));

        Assert.Null(LocalServer.ReadProcessId(_target.DataDirectory));
        Assert.Null(new PrefetcherProcess(_target.Layout, OSUser.Default).ProcessId);
        await _target.UntilSameAsync(await _target.StartAsync());
    }

    [Fact]
    public async Task A_server_that_refuses_every_session_ends_the_wait_with_its_own_words()
    {
        await source.FillAsync(10);
        await source.BackUpAsync();
        await _target.StartAsync();
        await WalRestore.StopAsync(_target.DataDirectory);
        File.Delete(Path.Combine(_target.DataDirectory, "global/pg_filenode.map"));

        var error = await Assert.ThrowsAsync<MigrationException>(() => _target.StartAsync());

        Assert.Equal("ServerRefusesSessions", error.ErrorId);
        Assert.Contains("FATAL: could not open file \"global/pg_filenode.map\"", error.Message, StringComparison.Ordinal);
        Assert.Null(LocalServer.ReadProcessId(_target.DataDirectory));
    }

    [Fact]
    public async Task A_backup_whose_main_part_is_gone_starts_no_server()
    {
        await source.FillAsync(10);
        var backup = await source.BackUpAsync();
        string folder = Path.Combine(source.ArchiveFolder, "basebackups_005", backup.Name);
        File.Delete(Path.Combine(folder, "files_metadata.json"));
        File.Delete(Assert.Single(Directory.GetFiles(Path.Combine(folder, "tar_partitions"), "part_001*")));

        var error = await Assert.ThrowsAsync<MigrationException>(() => _target.StartAsync());

        Assert.Equal("BackupIncomplete", error.ErrorId);
        Assert.Null(LocalServer.ReadProcessId(_target.DataDirectory));
    }

    [Fact]
    public async Task A_disk_that_is_full_from_the_beginning_is_told_as_such()
    {
        await source.FillAsync(1);
        await source.BackUpAsync();
        Directory.CreateDirectory(_target.Layout.Folder);
        File.CreateSymbolicLink(_target.Layout.RecordFile + ".new", "/dev/full"); // whatever is written there meets a full disk

        var error = await Assert.ThrowsAsync<MigrationException>(() => _target.StartAsync());

        Assert.Equal("DiskFull", error.ErrorId);
        Assert.Contains(_target.DataDirectory, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_directory_with_something_else_in_it_is_refused()
    {
        Directory.CreateDirectory(_target.DataDirectory);
        await File.WriteAllTextAsync(Path.Combine(_target.DataDirectory, "PG_VERSION"), "15\n");
        await source.FillAsync(1);
        await source.BackUpAsync();

        Assert.Equal("DataDirectoryNotEmpty", (await Assert.ThrowsAsync<MigrationException>(() => _target.StartAsync())).ErrorId);
        Assert.False(Directory.Exists(_target.Layout.Folder));
    }

    [Fact]
    public async Task A_source_of_another_cluster_is_refused_before_anything_is_written()
    {
        await source.FillAsync(1);
        await source.BackUpAsync();
        await using var other = await TestPostgres.StartAsync([]);

        var error = await Assert.ThrowsAsync<MigrationException>(() => _target.StartAsync(_target.Options with { Source = other.Server }));

        Assert.Equal("SourceOfOtherCluster", error.ErrorId);
        Assert.False(Directory.Exists(_target.DataDirectory));
    }

    /// <summary>Cancels at the first progress of the load.</summary>
    private sealed class CancellingObserver(CancellationTokenSource stop) : IMigrationObserver
    {
        public void Progress(MigrationProgress progress)
        {
            if (progress.Activity.StartsWith("Restoring", StringComparison.Ordinal))
            {
                stop.Cancel();
            }
        }

        public void Warning(string message)
        {
        }

        public void Verbose(string message)
        {
        }
    }
}
