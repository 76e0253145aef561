using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration.Tests;

/// <summary>A host that fails over while a link runs: another copy is promoted and goes on archiving to the same place.</summary>
[SupportedOSPlatform("linux")]
public sealed class TimelineSwitchTests : IAsyncLifetime
{
    private ArchivingServer _host = null!;
    private RestoreTarget _target = null!;
    private RestoreTarget _successor = null!;

    public async Task InitializeAsync()
    {
        _host = await ArchivingServer.StartAsync(null, "--wal-segsize=1");
        _target = new RestoreTarget(_host);
        _successor = new RestoreTarget(_host);
        await _host.FillAsync(500);
        await _host.BackUpAsync();
        await _host.ArchiveNowAsync();
    }

    public async Task DisposeAsync()
    {
        _target?.Dispose();
        _successor?.Dispose();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task A_failover_is_followed_and_the_source_is_asked_at_its_new_address()
    {
        var link = await _target.StartAsync();
        var successor = await SuccessorAsync();
        string unfinished = await TestPostgres.QueryAsync<string>(_host.Admin, "SELECT pg_walfile_name(pg_current_wal_lsn())");
        await File.WriteAllTextAsync(_host.SegmentPath(unfinished + ".partial"), "what an old primary left"); // nobody is to ask for it
        await FailOverAsync(successor, stray: null);

        var moved = await FollowsAsync(link, successor);

        Assert.True((await SurveyAsync()).IsWhole);
        Assert.Contains($"{unfinished}.partial", (await SurveyAsync()).Timelines[0].Partial);
        var again = await _target.StartAsync(_target.Options with { Source = successor.TargetAddress }); // adopted, with the new address
        Assert.Equal(moved.Target, again.Target);
        Assert.Equal(2u, (await SurveyAsync()).Timeline);
    }

    [Fact]
    public async Task A_timeline_number_that_was_skipped_is_followed()
    {
        var link = await _target.StartAsync();
        var successor = await SuccessorAsync();
        await FailOverAsync(successor, stray: "00000002.history");

        await FollowsAsync(link, successor);

        Assert.True(File.Exists(_host.SegmentPath("00000003.history")));
        Assert.False(File.Exists(_host.SegmentPath("00000002.history")));
    }

    [Fact]
    public async Task A_target_that_has_replayed_beyond_the_fork_is_broken_however_small_its_lag()
    {
        var link = await _target.StartAsync();
        var successor = await SuccessorAsync();
        await ArchiveFromAsync(successor, "false"); // the promotion is not seen yet
        await TestPostgres.ExecuteAsync(successor.Target, "SELECT pg_promote(true, 60)");
        await _host.AddAsync("acknowledged by the old primary alone");
        await _host.ArchiveNowAsync();
        await _target.UntilSameAsync(link);
        await _host.Postgres.Local.StopAsync();

        await TestPostgres.ExecuteAsync(successor.Target, $"ALTER SYSTEM SET archive_command = '{_host.ArchiveCommand}'", "SELECT pg_reload_conf()");
        var source = link.WithSource(successor.TargetAddress);
        ReplicationLag? lag = null;
        await ArchivingServer.UntilAsync("the link is broken", async () => (lag = await source.MeasureLagAsync()).State == LinkState.Broken, () => $"{lag}");

        Assert.Contains("estore anew", lag!.Detail, StringComparison.Ordinal);
        Assert.False(LagLimit.OfBytes(long.MaxValue).IsMet(lag));
        Assert.True(await TestPostgres.QueryAsync<bool>(link.Target, "SELECT pg_is_in_recovery()"));
    }

    private async Task<WalLink> SuccessorAsync()
    {
        var successor = await _successor.StartAsync();
        await _successor.UntilSameAsync(successor);
        await ArchiveFromAsync(successor, _host.ArchiveCommand);
        return successor;
    }

    private async Task ArchiveFromAsync(WalLink successor, string command)
    {
        await TestPostgres.ExecuteAsync(successor.Target, "ALTER SYSTEM SET archive_mode = 'on'", $"ALTER SYSTEM SET archive_command = '{command}'");
        var server = _host.Postgres.Local with { DataDirectory = successor.DataDirectory };
        await server.StopAsync();
        await server.StartAsync();
    }

    private async Task FailOverAsync(WalLink successor, string? stray)
    {
        await _host.Postgres.Local.StopAsync();
        if (stray is not null)
        {
            // A number that somebody used before: PostgreSQL takes the next one that is free.
            await File.WriteAllTextAsync(Path.Combine(successor.DataDirectory, "pg_wal", stray), "1\t0/100000\tlong ago\n");
        }

        await TestPostgres.ExecuteAsync(successor.Target, "SELECT pg_promote(true, 60)", "INSERT INTO item (body) VALUES ('written by the successor')");
    }

    private static async Task<WalLink> FollowsAsync(WalLink link, WalLink successor)
    {
        var moved = (WalLink)link.WithSource(successor.TargetAddress);
        string expected = await ArchivingServer.ChecksumAsync(successor.Target);
        await TestPostgres.ExecuteAsync(successor.Target, "SELECT pg_switch_wal()");
        await ArchivingServer.UntilAsync("the target has the successor's rows", async () => await ArchivingServer.ChecksumAsync(link.Target) == expected);
        ReplicationLag? lag = null;
        await ArchivingServer.UntilAsync("the link follows its new source", async () => (lag = await moved.MeasureLagAsync()) is { State: LinkState.Following, Bytes: < 8 << 20 }, () => $"{lag}");
        return moved;
    }

    private async Task<WalArchiveReport> SurveyAsync()
    {
        using var storage = ArchiveStorage.Open(_host.Archive);
        return await ArchiveSurvey.RunAsync(storage, await BackupCatalog.FindAsync(storage));
    }
}
