namespace PgMigration.Tests;

/// <summary>A link is found from its two servers alone, from any machine that reaches both.</summary>
public sealed class LinkSearchTests : IAsyncLifetime
{
    private CutoverBed _bed = null!;

    public async Task InitializeAsync() => _bed = await CutoverBed.CreateAsync();

    public async Task DisposeAsync() => await _bed.DisposeAsync();

    [Fact]
    public async Task A_standby_with_a_restore_command_of_its_own_is_found_measured_and_cut_over()
    {
        var link = Assert.IsType<WalLink>(await LinkSearch.FindAsync(_bed.Host.App, _bed.Link.Target));
        Assert.Equal(WalFeed.Archive, link.Feed);
        var lag = await link.MeasureLagAsync();
        Assert.True(lag.State is LinkState.Following or LinkState.CatchingUp, lag.Detail);
        Assert.NotNull(lag.Bytes);

        var cutover = _bed.Cutover() with { Link = link };
        var report = await (cutover with { Options = cutover.Options with { AppTarget = _bed.Link.TargetForApp(_bed.Host.App) } }).RunAsync(_bed.NewJournal);

        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        Assert.Equal(LinkState.Promoted, (await (await LinkSearch.FindAsync(_bed.Host.App, _bed.Link.Target)).MeasureLagAsync()).State);
    }

    [Fact]
    public async Task A_standby_that_streams_is_found_as_such()
    {
        await using (var host = await _bed.Host.Superuser.ConnectAsync())
        {
            await host.ExecuteAsync("alter role app replication", CancellationToken.None);
        }

        await using (var target = await _bed.Link.Target.ConnectAsync())
        {
            var app = _bed.Host.App;
            await target.ExecuteAsync($"alter system set primary_conninfo = 'host={app.Host} port={app.Port} user={app.User} password={app.FindPassword()}'", CancellationToken.None);
            await target.ExecuteAsync("alter system set restore_command = ''", CancellationToken.None);
            await _bed.AllowReplicationAsync();
            await target.ExecuteAsync("select pg_reload_conf()", CancellationToken.None);
            await ArchivingServer.UntilAsync("the standby streams", async () => await target.ScalarAsync<bool>("select exists (select from pg_stat_wal_receiver where status = 'streaming')", CancellationToken.None));
        }

        var link = Assert.IsType<WalLink>(await LinkSearch.FindAsync(_bed.Host.App, _bed.Link.Target));

        Assert.Equal(WalFeed.Streaming, link.Feed);
        Assert.StartsWith("streamed from 127.0.0.1:", link.Archive, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_servers_without_a_link_are_told_apart_in_words()
    {
        await using var other = await TestPostgres.StartAsync([]);

        var unrelated = await Assert.ThrowsAsync<MigrationException>(() => LinkSearch.FindAsync(_bed.Host.App, other.Server));
        Assert.Equal("LinkNotFound", unrelated.ErrorId);
        Assert.Contains("not one cluster", unrelated.Message, StringComparison.Ordinal);
        var same = await Assert.ThrowsAsync<MigrationException>(() => LinkSearch.FindAsync(_bed.Host.App, _bed.Host.Superuser));
        Assert.Contains("the same server", same.Message, StringComparison.Ordinal);
        var swapped = await Assert.ThrowsAsync<MigrationException>(() => LinkSearch.FindAsync(_bed.Link.Target, _bed.Host.Superuser));
        Assert.Equal("SourceInRecovery", swapped.ErrorId);
    }
}
