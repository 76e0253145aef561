using System.Diagnostics;

namespace PgMigration.Wal;

[Collection("programs")]
public sealed class TimelineTests(PublishedPrograms programs)
{
    // As PostgreSQL writes them: parent, position of the switch, reason.
    private static string Fork(uint parent, int segment) => $"{parent}\t{new Lsn(((ulong)segment * FollowedArchive.SegmentSize) + 0x2000)}\tno recovery target specified\n";

    [Fact]
    public async Task A_history_that_the_archive_lacks_is_refused_at_once_and_never_waited_for()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1);
        await archive.ReplayAsync(1);
        await archive.StatusAsync(status => status.State == PrefetchState.CaughtUp);

        var since = Stopwatch.StartNew();
        Assert.Equal(1, await archive.FetchAsync("00000002.history"));
        Assert.InRange(since.Elapsed.TotalSeconds, 0, 2);
    }

    [Fact]
    public async Task A_timeline_that_was_skipped_is_found_and_followed_across_the_fork()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1, 2);
        await archive.ArchiveHistoryAsync(3, Fork(1, segment: 3));
        await archive.ArchiveAsync(FollowedArchive.Name(3, timeline: 3), FollowedArchive.Segment(3, timeline: 1)); // the first one carries the old timeline
        await archive.ArchiveAsync(FollowedArchive.Name(4, timeline: 3), FollowedArchive.Segment(4, timeline: 3));
        await archive.ReplayAsync(1);

        var status = await archive.StatusAsync(status => status.State == PrefetchState.CaughtUp && status.PoolBytes == 3 * FollowedArchive.SegmentSize);
        Assert.Equal(3u, status.NewestTimeline);
        Assert.Equal(FollowedArchive.Name(4, timeline: 3), status.LastInArchive);
        Assert.Equal(0, await archive.FetchAsync("00000002.history")); // or PostgreSQL would never ask for the next number
        Assert.StartsWith("1\t0/302000\t", await File.ReadAllTextAsync(archive.Requested), StringComparison.Ordinal);
        Assert.Equal(0, await archive.FetchAsync("00000003.history"));
        Assert.Equal(Fork(1, segment: 3), await File.ReadAllTextAsync(archive.Requested));
        await archive.ReplayAsync(2);
        Assert.Equal(0, await archive.FetchAsync(FollowedArchive.Name(3, timeline: 3)));
        Assert.Equal(0, await archive.FetchAsync(FollowedArchive.Name(4, timeline: 3)));
        Assert.Equal(1, await archive.FetchAsync("00000004.history"));
    }

    [Fact]
    public async Task A_timeline_that_cannot_be_followed_makes_up_no_history()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1, 2, 3);
        await archive.ReplayAsync(1);
        await archive.ReplayAsync(2);
        await archive.ReplayAsync(3);
        await archive.ArchiveHistoryAsync(3, Fork(1, segment: 1)); // it left long before
        await archive.StatusAsync(status => status.NewestTimeline == 3);

        Assert.Equal(1, await archive.FetchAsync("00000002.history"));
    }

    [Fact]
    public async Task A_request_on_the_old_timeline_is_let_go_when_a_new_one_appears_and_the_old_one_is_not_replayed_beyond_the_fork()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1);
        await archive.ReplayAsync(1);
        using var fetch = await archive.StartWaitingAsync(2);

        await archive.ArchiveHistoryAsync(2, Fork(1, segment: 2));
        var since = Stopwatch.StartNew();
        await fetch.WaitForExitAsync();
        Assert.Equal(1, fetch.ExitCode);
        Assert.InRange(since.Elapsed.TotalSeconds, 0, 6);

        // The old primary goes on archiving: what it writes beyond the fork is of no future.
        await archive.ArchiveAsync(2);
        Assert.Equal(1, await archive.FetchAsync(FollowedArchive.Name(2)));
        await archive.ArchiveAsync(FollowedArchive.Name(2, timeline: 2), FollowedArchive.Segment(2, timeline: 1));
        Assert.Equal(0, await archive.FetchAsync(FollowedArchive.Name(2, timeline: 2)));
    }

    [Fact]
    public async Task A_server_that_keeps_asking_for_the_old_timeline_gets_it()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1, 2, 3);
        await archive.ArchiveHistoryAsync(2, Fork(1, segment: 2));
        await archive.ReplayAsync(1);
        await archive.StatusAsync(status => status.NewestTimeline == 2);

        Assert.Equal(1, await archive.FetchAsync(FollowedArchive.Name(2)));
        await archive.ReplayAsync(2);
        await archive.ReplayAsync(3);
    }
}
