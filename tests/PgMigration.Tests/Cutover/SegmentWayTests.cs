using System.Globalization;

namespace PgMigration.Tests;

/// <summary>How long a segment takes to the target is known before the app is paused, and a way that -MaxPause does not allow is refused then.</summary>
public sealed class SegmentWayTests : IAsyncLifetime
{
    private CutoverBed _bed = null!;

    public async Task InitializeAsync() => _bed = await CutoverBed.CreateAsync();

    public async Task DisposeAsync() => await _bed.DisposeAsync();

    [Fact]
    public async Task A_slow_archive_is_refused_with_its_time_before_the_app_is_paused()
    {
        await ArchiveByAsync("sleep 2 && {0}");

        string message = await RefusedAsync(TimeSpan.FromSeconds(2));

        Assert.Matches(@"A WAL segment took [2-9]\.\d s .*-MaxPause allows 2 s\..*-MaxPause ([3-9]|1\d) or more", message);
    }

    [Fact]
    public async Task A_slow_archive_that_MaxPause_allows_is_announced_and_the_pause_is_as_long_as_announced()
    {
        await ArchiveByAsync("sleep 1.5 && {0}");
        string journal = _bed.NewJournal;

        var report = await _bed.Cutover().RunAsync(journal);

        var way = CutoverRecord.Read(journal).Entries.Select(entry => entry.Facts?.SegmentWay).First(each => each is not null)!.Value;
        Assert.InRange(way.TotalSeconds, 1.5, 6);
        Assert.InRange(report.Paused!.Value.TotalSeconds, 1.5, way.TotalSeconds + 3);
        string filled = report.Steps.Single(step => step.Step == nameof(FillSegment)).Proof;
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"a segment took {way.TotalSeconds:0.00} s to the target, so a pause of about"), filled, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failing_archiver_is_named_before_the_app_is_paused()
    {
        await ArchiveByAsync("false");

        Assert.Matches(@"has not arrived on the target.*archiver failed \d+ times meanwhile, last with 0000000", await RefusedAsync(TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task A_source_that_archives_nothing_is_named_before_the_app_is_paused()
    {
        await using (var host = await _bed.Host.Superuser.ConnectAsync())
        {
            await host.ExecuteAsync("alter system set archive_mode = off", CancellationToken.None);
        }

        await _bed.Host.StopAsync();
        await _bed.Host.Local.StartAsync();

        Assert.Contains("On the source archive_mode is off", await RefusedAsync(TimeSpan.FromSeconds(1)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_target_that_sleeps_long_between_two_looks_at_the_archive_is_refused_with_the_setting()
    {
        await using (var target = await _bed.Link.Target.ConnectAsync())
        {
            await target.ExecuteAsync("alter system set wal_retrieve_retry_interval = '2s'", CancellationToken.None);
            await target.ExecuteAsync("select pg_reload_conf()", CancellationToken.None);
        }

        Assert.Contains("ALTER SYSTEM SET wal_retrieve_retry_interval = '100ms'", await RefusedAsync(TimeSpan.FromSeconds(2)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_login_that_may_not_write_to_the_WAL_is_refused_with_the_grant()
    {
        await using (var host = await _bed.Host.Superuser.ConnectAsync())
        {
            await host.ExecuteAsync("revoke execute on function pg_logical_emit_message(boolean, text, text) from public", CancellationToken.None);
        }

        var error = await Assert.ThrowsAsync<MigrationException>(() => _bed.Cutover().RunAsync(_bed.NewJournal));

        Assert.Equal("CutoverNotBegun", error.ErrorId);
        Assert.Contains("GRANT EXECUTE ON FUNCTION pg_logical_emit_message(boolean,text,text) TO app", error.Message, StringComparison.Ordinal);
    }

    private async Task<string> RefusedAsync(TimeSpan maxPause)
    {
        string journal = _bed.NewJournal;
        var cutover = _bed.Cutover();
        var error = await Assert.ThrowsAsync<MigrationException>(() => (cutover with { Options = cutover.Options with { MaxPause = maxPause } }).RunAsync(journal));

        Assert.Equal(("CutoverUndone", "SegmentTooSlow"), (error.ErrorId, (error.InnerException as MigrationException)?.ErrorId));
        Assert.Contains("the app was not paused", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(CutoverRecord.Read(journal).Entries, entry => entry.Step == nameof(PauseApp));
        await _bed.WriteAsAppAsync();
        return error.Message;
    }

    private async Task ArchiveByAsync(string command)
    {
        await using var host = await _bed.Host.Superuser.ConnectAsync();
        string now = await host.ScalarAsync<string>("show archive_command", CancellationToken.None);
        await host.ExecuteAsync($"alter system set archive_command = '{string.Format(CultureInfo.InvariantCulture, command, now)}'", CancellationToken.None);
        await host.ExecuteAsync("select pg_reload_conf()", CancellationToken.None);
    }
}
