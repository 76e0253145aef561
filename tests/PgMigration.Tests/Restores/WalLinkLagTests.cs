using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration.Tests;

/// <summary>What a link says about itself, whole and in trouble.</summary>
[SupportedOSPlatform("linux")]
[Collection(ArchivingCollection.Name)]
public sealed class WalLinkLagTests(ArchivingServer source) : IDisposable
{
    private const string ForkLongAgo = "1\t0/1000000\tno recovery target specified\n";

    private readonly RestoreTarget _target = new(source);

    public void Dispose() => _target.Dispose();

    [Fact]
    public async Task An_idle_source_has_zero_lag_and_a_commit_that_is_not_archived_yet_has_not()
    {
        var link = await FollowAsync();
        await LagIsAsync(link, lag => lag is { State: LinkState.Following, Time.Ticks: 0 });

        await source.AddAsync("not archived yet");
        var lag = await link.MeasureLagAsync();
        Assert.NotEqual(TimeSpan.Zero, lag.Time);
        Assert.True(lag.Bytes > 0);

        await source.ArchiveNowAsync();
        lag = await LagIsAsync(link, now => now is { State: LinkState.Following, Time.Ticks: 0 });
        Assert.True(lag.Bytes < WalSegmentName.DefaultSize);
    }

    [Fact]
    public async Task A_missing_segment_stalls_the_link_by_name_until_it_comes_and_nothing_is_promoted()
    {
        var link = await FollowAsync();
        await source.AddAsync("one");
        var (segment, hidden) = await HideNextSegmentAsync();
        await source.AddAsync("two");
        await source.ArchiveNowAsync();

        var lag = await LagIsAsync(link, now => now.State == LinkState.Stalled && now.Detail!.Contains(segment, StringComparison.Ordinal));
        Assert.NotEqual(TimeSpan.Zero, lag.Time);
        Assert.False(LagLimit.OfTime(TimeSpan.FromDays(1000)).IsMet(lag));
        Assert.True(await TestPostgres.QueryAsync<bool>(link.Target, "SELECT pg_is_in_recovery()"));

        File.Move(hidden, source.SegmentPath(segment));
        await _target.UntilSameAsync(link);
        await LagIsAsync(link, now => now is { State: LinkState.Following, Time.Ticks: 0 });
    }

    [Fact]
    public async Task A_truncated_segment_stalls_the_link_by_name_until_it_is_whole_and_nothing_is_promoted()
    {
        var link = await FollowAsync();
        await source.AddAsync("one");
        var (segment, hidden) = await HideNextSegmentAsync();
        byte[] whole = await File.ReadAllBytesAsync(hidden);
        await File.WriteAllBytesAsync(source.SegmentPath(segment), whole[..(whole.Length / 2)]);
        await source.AddAsync("two");
        await source.ArchiveNowAsync();

        var lag = await LagIsAsync(link, now => now.State == LinkState.Stalled);
        Assert.Contains(segment, lag.Detail, StringComparison.Ordinal);
        Assert.True(await TestPostgres.QueryAsync<bool>(link.Target, "SELECT pg_is_in_recovery()"));

        File.Move(hidden, source.SegmentPath(segment), overwrite: true);
        await _target.UntilSameAsync(link);
    }

    [Fact]
    public async Task A_backup_whose_own_segments_are_not_all_there_is_refused_before_it_is_loaded()
    {
        await source.FillAsync(10);
        var backup = await source.BackUpAsync();
        string path = source.SegmentPath(backup.StartSegment.ToString());
        string hidden = Path.Combine(source.Postgres.Folder, "hidden");
        File.Move(path, hidden);
        try
        {
            var error = await Assert.ThrowsAsync<MigrationException>(() => _target.StartAsync(_target.Options with { BackupName = backup.Name }));
            Assert.Equal("SegmentMissing", error.ErrorId);
            Assert.Contains(backup.StartSegment.ToString(), error.Message, StringComparison.Ordinal);
            Assert.False(Directory.Exists(_target.DataDirectory));
        }
        finally
        {
            File.Move(hidden, path);
        }
    }

    [Fact]
    public async Task A_source_that_went_on_along_another_timeline_before_the_replayed_position_breaks_the_link()
    {
        var link = await FollowAsync();
        using var promoted = new RestoreTarget(source);
        var other = await promoted.StartAsync();
        await TestPostgres.ExecuteAsync(other.Target, "SELECT pg_promote(true, 30)");
        string history = source.SegmentPath("00000002.history");
        try
        {
            await File.WriteAllTextAsync(history, ForkLongAgo);
            var broken = (WalLink)link.WithSource(other.Target);

            var lag = await LagIsAsync(broken, now => now.State == LinkState.Broken);
            Assert.NotEqual(TimeSpan.Zero, lag.Time);
            Assert.Contains("restore anew", lag.Detail, StringComparison.OrdinalIgnoreCase);
            Assert.Equal("LinkBroken", (await Assert.ThrowsAsync<MigrationException>(() => LagWait.UntilAsync(broken, LagLimit.OfTime(TimeSpan.FromDays(1)), null, IMigrationObserver.None))).ErrorId);
        }
        finally
        {
            File.Delete(history);
        }
    }

    [Fact]
    public async Task A_stray_history_is_a_warning_while_replay_goes_on_and_at_the_next_start_the_remedy_is_said()
    {
        var link = await FollowAsync();
        string history = source.SegmentPath("00000002.history");
        try
        {
            await File.WriteAllTextAsync(history, ForkLongAgo);
            var lag = await LagIsAsync(link, now => now.Detail is not null);
            Assert.Contains("00000002.history", lag.Detail, StringComparison.Ordinal);
            Assert.Contains("pg_wal/00000002.history", lag.Detail, StringComparison.Ordinal);
            Assert.Equal(LinkState.Broken, (await WalRestore.Find(_target.DataDirectory).MeasureLagAsync()).State); // who does not ask the source cannot tell

            await source.AddAsync("goes on");
            await source.ArchiveNowAsync();
            await _target.UntilSameAsync(link);
            await LagIsAsync(link, now => now is { State: LinkState.Following, Bytes: < 16 << 20 }); // an idle server writes a little by itself: not always zero

            await WalRestore.StopAsync(_target.DataDirectory);
            var error = await Assert.ThrowsAsync<MigrationException>(() => _target.StartAsync());
            Assert.Equal("ServerStartFailed", error.ErrorId);
            Assert.Contains("pg_wal/00000002.history", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(history);
        }

        File.Delete(Path.Combine(_target.DataDirectory, "pg_wal/00000002.history"));
        await _target.UntilSameAsync(await _target.StartAsync()); // the remedy is one
    }

    [Fact]
    public async Task A_source_that_is_away_for_a_moment_is_a_record_with_the_targets_half()
    {
        var link = await FollowAsync();
        await source.Postgres.Local.StopAsync();
        try
        {
            var lag = await link.MeasureLagAsync();

            Assert.Equal(LinkState.Stalled, lag.State);
            Assert.Null(lag.SourceLsn);
            Assert.Null(lag.Bytes);
            Assert.Null(lag.Time);
            Assert.NotNull(lag.TargetLsn);
            Assert.Contains("The source cannot be asked", lag.Detail, StringComparison.Ordinal);
            Assert.False(LagLimit.OfTime(TimeSpan.FromDays(1000)).IsMet(lag));
        }
        finally
        {
            await source.Postgres.Local.StartAsync();
        }

        await LagIsAsync(link, now => now.State == LinkState.Following);
        await using var other = await TestPostgres.StartAsync([]);
        Assert.Equal("SourceOfOtherCluster", (await Assert.ThrowsAsync<MigrationException>(() => ((WalLink)link.WithSource(other.Server)).MeasureLagAsync())).ErrorId); // does not pass by itself
    }

    [Fact]
    public async Task A_standby_tells_for_how_long_it_has_been_within_a_segment()
    {
        var link = await FollowAsync();
        var began = DateTime.UtcNow;
        await source.AddAsync("one more");
        await source.ArchiveNowAsync();
        await _target.UntilSameAsync(link);

        var first = await StandbyPosition.ReadAsync(link.Target, CancellationToken.None);
        Assert.InRange(first.InSegmentFor!.Value, TimeSpan.Zero, DateTime.UtcNow - began + TimeSpan.FromSeconds(1)); // PostgreSQL tells times of files in whole seconds
        await ArchivingServer.UntilAsync("it counts while nothing comes", async () =>
            (await StandbyPosition.ReadAsync(link.Target, CancellationToken.None)).InSegmentFor > first.InSegmentFor + TimeSpan.FromMilliseconds(200));
    }

    [Fact]
    public async Task A_wait_ends_when_the_lag_is_within_the_limit_or_the_time_is_up()
    {
        var link = await FollowAsync();
        await LagWait.UntilAsync(link, LagLimit.OfBytes(32 << 20), TimeSpan.FromSeconds(30), IMigrationObserver.None);

        await source.AddAsync("not archived yet");
        var error = await Assert.ThrowsAsync<MigrationException>(() => LagWait.UntilAsync(link, LagLimit.OfBytes(0), TimeSpan.FromSeconds(1), IMigrationObserver.None));
        Assert.Equal("LagTimeout", error.ErrorId);
    }

    private async Task<WalLink> FollowAsync()
    {
        await source.FillAsync(10);
        await source.BackUpAsync();
        await source.ArchiveNowAsync();
        var link = await _target.StartAsync();
        await _target.UntilSameAsync(link);
        return link;
    }

    private static async Task<ReplicationLag> LagIsAsync(WalLink link, Func<ReplicationLag, bool> expected)
    {
        ReplicationLag? last = null;
        await ArchivingServer.UntilAsync("the lag is as expected", async () => expected(last = await link.MeasureLagAsync()), () => $"{last}");
        return last!;
    }

    /// <summary>Takes the current segment out of the archive as soon as it is complete, before anybody sees it.</summary>
    private async Task<(string Segment, string Hidden)> HideNextSegmentAsync()
    {
        string segment = await TestPostgres.QueryAsync<string>(source.Admin, "SELECT pg_walfile_name(pg_current_wal_lsn())");
        string hidden = Path.Combine(source.Postgres.Folder, segment);
        Directory.CreateDirectory(source.SegmentPath(segment)); // mv would go into a folder of that name …
        File.SetUnixFileMode(source.SegmentPath(segment), (UnixFileMode)0b111_111_111);
        await TestPostgres.ExecuteAsync(source.Admin, "SELECT pg_switch_wal()");
        string inside = Path.Combine(source.SegmentPath(segment), segment + ".new");
        await ArchivingServer.UntilAsync("the segment is caught", () => Task.FromResult(File.Exists(inside)));
        File.Move(inside, hidden);
        Directory.Delete(source.SegmentPath(segment)); // … and so it is caught
        return (segment, hidden);
    }
}
