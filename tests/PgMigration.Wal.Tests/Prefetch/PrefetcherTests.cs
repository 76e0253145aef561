using System.Diagnostics;

namespace PgMigration.Wal;

[Collection("programs")]
public sealed class PrefetcherTests(PublishedPrograms programs)
{
    [Theory]
    [InlineData("truncated")]
    [InlineData("cut inside the compressed object")]
    [InlineData("of another cluster")]
    [InlineData("of another position")]
    public async Task A_damaged_segment_is_named_and_never_handed_out_until_it_is_replaced(string damage)
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1, 2, 3);
        string damaged = FollowedArchive.Name(2);
        switch (damage)
        {
            case "truncated":
                await archive.ArchiveAsync(damaged, FollowedArchive.Segment(2)[..^8192]);
                break;
            case "cut inside the compressed object":
                byte[] whole = await File.ReadAllBytesAsync(Path.Combine(archive.WalFolder, damaged + ".lz4"));
                archive.Put(damaged + ".lz4", whole[..(whole.Length / 2)]);
                break;
            case "of another cluster":
                await archive.ArchiveAsync(damaged, FollowedArchive.Segment(2, cluster: 1));
                break;
            default:
                await archive.ArchiveAsync(damaged, FollowedArchive.Segment(3));
                break;
        }

        await archive.ReplayAsync(1);
        using var fetch = archive.StartFetch(damaged);
        var status = await archive.StatusAsync(status => status.State == PrefetchState.Damaged);
        Assert.Contains(damaged, status.Detail, StringComparison.Ordinal);
        Assert.True(status.IsTrouble);
        Assert.False(File.Exists(Path.Combine(archive.Layout.PoolFolder, damaged)));
        Assert.False(fetch.HasExited);

        await archive.ArchiveAsync(2);
        await fetch.WaitForExitAsync();
        Assert.Equal(0, fetch.ExitCode);
        Some.AssertSame(FollowedArchive.Segment(2), await File.ReadAllBytesAsync(archive.Requested));
        await archive.StatusAsync(status => status.State == PrefetchState.CaughtUp);
    }

    [Fact]
    public async Task A_gap_is_named_and_ends_when_the_segment_arrives()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1, 2, 4, 5);
        await archive.ReplayAsync(1);
        await archive.ReplayAsync(2);

        var status = await archive.StatusAsync(status => status.State == PrefetchState.Gap);
        Assert.Contains(FollowedArchive.Name(3), status.Detail, StringComparison.Ordinal);
        Assert.True(status.IsTrouble);

        await archive.ArchiveAsync(3);
        await archive.ReplayAsync(3);
        await archive.ReplayAsync(4);
        await archive.StatusAsync(status => status.State == PrefetchState.CaughtUp);
    }

    [Fact]
    public async Task An_archive_that_cannot_be_reached_is_never_taken_for_one_that_was_fetched_to_its_end()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1);
        await archive.ReplayAsync(1);
        await archive.StatusAsync(status => status.State == PrefetchState.CaughtUp);

        // A disk that is no longer mounted leaves an empty folder.
        Directory.Move(archive.WalFolder, archive.WalFolder + ".away");
        Directory.CreateDirectory(archive.WalFolder);
        var status = await archive.StatusAsync(status => status.State == PrefetchState.Unreachable);
        Assert.True(status.IsTrouble);

        Directory.Delete(archive.WalFolder);
        Directory.Move(archive.WalFolder + ".away", archive.WalFolder);
        await archive.ArchiveAsync(2);
        await archive.StatusAsync(status => status.State == PrefetchState.CaughtUp && status.LastInArchive == FollowedArchive.Name(2));
        await archive.ReplayAsync(2);
    }

    [Fact]
    public async Task A_backup_whose_first_segment_is_missing_is_a_gap()
    {
        using var archive = new FollowedArchive(programs, start: FollowedArchive.Name(5));
        await archive.ArchiveAsync(1, 2);
        using var start = Process.Start(new ProcessStartInfo(programs.WalFetch, ["start", archive.Layout.DataDirectory]))!;
        await start.WaitForExitAsync();
        Assert.Equal(0, start.ExitCode);

        var status = await archive.StatusAsync(status => status.State == PrefetchState.Gap);
        Assert.Contains(FollowedArchive.Name(5), status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_restart_of_the_server_its_own_copies_are_used_as_far_as_they_are_what_was_placed()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1, 2, 3);
        await archive.ReplayAsync(1);
        await archive.ReplayAsync(2);
        await archive.ReplayAsync(3);

        // PostgreSQL asks again from its last restart point. Its copy of 2 has become something else, of the same length and with the same header.
        byte[] overwritten = FollowedArchive.Segment(2);
        overwritten[FollowedArchive.SegmentSize - 1] ^= 1;
        await File.WriteAllBytesAsync(archive.OwnCopy(2), overwritten);

        Assert.Equal(1, await archive.FetchAsync(FollowedArchive.Name(1)));
        Assert.False(File.Exists(archive.Requested));
        await archive.ReplayAsync(2);
        Assert.Equal(1, await archive.FetchAsync(FollowedArchive.Name(3)));
    }

    [Fact]
    public async Task Placed_segments_are_remembered_by_the_next_prefetcher_and_forgotten_behind_the_restart_point()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1, 2, 3);
        await archive.ReplayAsync(1);
        await archive.ReplayAsync(2);
        await archive.EndPrefetcherAsync("-TERM");
        Assert.Equal(PrefetchState.Stopped, (await archive.StatusAsync(_ => true)).State);
        Assert.False(File.Exists(archive.Layout.SocketFile));

        Assert.Equal(1, await archive.FetchAsync(FollowedArchive.Name(2), oldestNeeded: FollowedArchive.Name(2)));
        Assert.Equal(0, await archive.FetchAsync(FollowedArchive.Name(1), oldestNeeded: FollowedArchive.Name(2)));
    }

    [Fact]
    public async Task It_ends_when_the_server_has_been_promoted()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1);
        await archive.ReplayAsync(1);
        string postmaster = Path.Combine(archive.Layout.DataDirectory, "postmaster.pid");
        await File.WriteAllTextAsync(postmaster, "1\n/data\n0\n5432\n/tmp\n*\n0 0\nready   \n");
        File.Delete(Path.Combine(archive.Layout.DataDirectory, "standby.signal"));

        var status = await archive.StatusAsync(status => status.State == PrefetchState.Stopped);
        Assert.Contains("promoted", status.Detail, StringComparison.Ordinal);
        await FollowedArchive.UntilAsync(() => FollowedArchive.IsGone(status.ProcessId) ? "gone" : null);
        Assert.False(File.Exists(archive.Layout.SocketFile));
    }

    [Fact]
    public async Task It_ends_when_its_data_directory_is_gone()
    {
        var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1);
        await archive.ReplayAsync(1);
        int pid = (await archive.StatusAsync(_ => true)).ProcessId;

        Directory.Move(archive.Layout.DataDirectory, archive.Layout.DataDirectory + ".gone"); // at once: a file that it writes while a folder is emptied would be in the way

        await FollowedArchive.UntilAsync(() => FollowedArchive.IsGone(pid) ? "gone" : null);
        archive.Dispose();
    }
}
