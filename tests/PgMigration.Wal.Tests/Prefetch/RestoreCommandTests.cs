using System.Diagnostics;

namespace PgMigration.Wal;

[Collection("programs")]
public sealed class RestoreCommandTests(PublishedPrograms programs)
{
    [Fact]
    public async Task A_cold_request_starts_the_prefetcher_and_gets_its_segment()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1, 2, 3);

        await archive.ReplayAsync(1);

        var status = await archive.StatusAsync(_ => true);
        Assert.False(FollowedArchive.IsGone(status.ProcessId));
    }

    [Fact]
    public async Task Segments_ahead_are_in_the_pool_before_they_are_asked_for_and_leave_it_by_rename()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(Enumerable.Range(1, 12));
        await archive.ReplayAsync(1);

        var status = await archive.StatusAsync(status => status.State == PrefetchState.CaughtUp);
        Assert.Equal(11L * FollowedArchive.SegmentSize, status.PoolBytes);
        Assert.Equal(FollowedArchive.Name(12), status.LastInArchive);
        Assert.Equal(FollowedArchive.Name(2), status.NextSegment);

        for (int number = 2; number <= 12; number++)
        {
            await archive.ReplayAsync(number);
        }

        status = await archive.StatusAsync(status => status.LastPlaced == FollowedArchive.Name(12));
        Assert.Empty(Directory.GetFiles(archive.Layout.PoolFolder));
    }

    [Fact]
    public async Task The_pool_stays_within_its_limit()
    {
        using var archive = new FollowedArchive(programs, poolLimit: 6 * FollowedArchive.SegmentSize);
        await archive.ArchiveAsync(Enumerable.Range(1, 30));
        await archive.ReplayAsync(1);

        await archive.StatusAsync(status => status.PoolBytes == 6 * FollowedArchive.SegmentSize);
        await archive.ReplayAsync(2);
        await archive.StatusAsync(status => status.LastPlaced == FollowedArchive.Name(2) && status.PoolBytes == 6 * FollowedArchive.SegmentSize);
        Assert.Equal(6, Directory.GetFiles(archive.Layout.PoolFolder).Length);
    }

    [Fact]
    public async Task A_segment_that_appears_while_it_is_waited_for_is_there_within_a_tenth_of_a_second()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1);
        await archive.ReplayAsync(1);
        var times = new List<TimeSpan>();
        for (int number = 2; number <= 6; number++)
        {
            using var fetch = archive.StartFetch(FollowedArchive.Name(number));
            await FollowedArchive.UntilItWaitsAsync(fetch);
            await archive.ArchiveAsync(number);
            var since = Stopwatch.StartNew();
            await fetch.WaitForExitAsync();
            times.Add(since.Elapsed);
            Assert.Equal(0, fetch.ExitCode);
        }

        // The median: the machine may be busy with other tests for a moment.
        Assert.InRange(times.Order().ElementAt(2).TotalMilliseconds, 0, 100);
    }

    [Fact]
    public async Task A_request_ends_within_a_tenth_of_a_second_of_the_promotion_with_exit_code_1()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1);
        await archive.ReplayAsync(1);
        await archive.StatusAsync(status => status.State == PrefetchState.CaughtUp);
        using var fetch = archive.StartFetch(FollowedArchive.Name(2));
        await FollowedArchive.UntilItWaitsAsync(fetch);

        await File.WriteAllTextAsync(Path.Combine(archive.Layout.DataDirectory, "promote"), string.Empty);
        var since = Stopwatch.StartNew();
        await fetch.WaitForExitAsync();

        Assert.InRange(since.Elapsed.TotalMilliseconds, 0, 100);
        Assert.Equal(1, fetch.ExitCode);
    }

    [Fact]
    public async Task A_promotion_does_not_hide_what_the_archive_holds()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1, 2, 3);
        await File.WriteAllTextAsync(Path.Combine(archive.Layout.DataDirectory, "promote"), string.Empty);

        await archive.ReplayAsync(1);
        await archive.ReplayAsync(2);
        await archive.ReplayAsync(3);

        Assert.Equal(1, await archive.FetchAsync(FollowedArchive.Name(4)));
    }

    [Fact]
    public async Task A_prefetcher_killed_while_a_request_waits_is_started_again_and_the_request_is_answered()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1);
        await archive.ReplayAsync(1);
        int first = (await archive.StatusAsync(status => status.State == PrefetchState.CaughtUp)).ProcessId;
        using var fetch = archive.StartFetch(FollowedArchive.Name(2));
        await FollowedArchive.UntilItWaitsAsync(fetch);

        await archive.EndPrefetcherAsync("-KILL");
        await archive.StatusAsync(status => status.ProcessId != first);
        await archive.ArchiveAsync(2);
        await fetch.WaitForExitAsync();

        Assert.Equal(0, fetch.ExitCode);
        Some.AssertSame(FollowedArchive.Segment(2), await File.ReadAllBytesAsync(archive.Requested));
    }

    [Fact]
    public async Task What_a_killed_prefetcher_left_in_the_pool_is_handed_out_only_when_it_is_still_what_was_checked()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1, 2, 3);
        await archive.ReplayAsync(1);
        await archive.StatusAsync(status => status.State == PrefetchState.CaughtUp);
        await archive.EndPrefetcherAsync("-KILL");

        // As after a crash of the machine: the right length, the right header, zeros behind it.
        byte[] torn = FollowedArchive.Segment(2);
        torn.AsSpan(100_000).Clear();
        string left = Path.Combine(archive.Layout.PoolFolder, FollowedArchive.Name(2));
        await File.WriteAllBytesAsync(left, torn);
        string intact = Path.Combine(archive.Layout.PoolFolder, FollowedArchive.Name(3));
        File.Delete(Path.Combine(archive.WalFolder, FollowedArchive.Name(3) + ".lz4"));
        Assert.True(File.Exists(intact));

        await archive.ReplayAsync(2);
        await archive.ReplayAsync(3);
    }

    [Fact]
    public async Task A_second_prefetcher_is_refused_by_the_lock()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1);
        await archive.ReplayAsync(1);
        int first = (await archive.StatusAsync(_ => true)).ProcessId;

        using var second = Process.Start(new ProcessStartInfo(programs.WalPrefetch, ["run", archive.Layout.DataDirectory]) { RedirectStandardError = true })!;
        string said = await second.StandardError.ReadToEndAsync();
        await second.WaitForExitAsync();

        Assert.Equal(3, second.ExitCode);
        Assert.Contains("Another prefetcher runs", said, StringComparison.Ordinal);
        await archive.ArchiveAsync(2);
        await archive.ReplayAsync(2);
        Assert.Equal(first, (await archive.StatusAsync(_ => true)).ProcessId);
    }

    [Fact]
    public async Task Without_a_record_of_a_restore_the_request_fails_with_a_line_for_the_servers_log()
    {
        using var archive = new FollowedArchive(programs);
        File.Delete(archive.Layout.RecordFile);

        using var fetch = archive.StartFetch(FollowedArchive.Name(1));
        string said = await fetch.StandardError.ReadToEndAsync();
        await fetch.WaitForExitAsync();

        Assert.Equal(1, fetch.ExitCode);
        Assert.Contains("pgmigration/prefetch.log", said, StringComparison.Ordinal);
        Assert.Contains("restore.json", archive.Log(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SIGTERM_ends_a_waiting_request_at_once_and_not_as_a_death_by_a_signal()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1);
        await archive.ReplayAsync(1);
        using var fetch = archive.StartFetch(FollowedArchive.Name(2));
        await FollowedArchive.UntilItWaitsAsync(fetch);

        using var kill = Process.Start("kill", ["-TERM", fetch.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await fetch.WaitForExitAsync();

        // Death by a signal would be 143 here, and would end the standby.
        Assert.InRange(fetch.ExitCode, 1, 125);
    }

    [Fact]
    public async Task A_pg_wal_on_another_file_system_gets_the_whole_segment_under_its_name()
    {
        using var archive = new FollowedArchive(programs);
        await archive.ArchiveAsync(1);
        string elsewhere = Path.Combine("/dev/shm", Path.GetRandomFileName());
        string wal = Path.Combine(archive.Layout.DataDirectory, "pg_wal");
        Directory.CreateDirectory(elsewhere);
        try
        {
            Directory.Delete(wal);
            Directory.CreateSymbolicLink(wal, elsewhere);

            await archive.ReplayAsync(1);

            Assert.Equal([FollowedArchive.Name(1)], Directory.GetFiles(elsewhere).Select(Path.GetFileName));
            Assert.Empty(Directory.GetFiles(archive.Layout.PoolFolder));
        }
        finally
        {
            Directory.Delete(elsewhere, recursive: true);
        }
    }

    [Fact]
    public async Task What_archive_command_pushes_restore_command_fetches()
    {
        using var archive = new FollowedArchive(programs);
        string file = Path.Combine(archive.Layout.DataDirectory, "pg_wal", FollowedArchive.Name(1));
        await File.WriteAllBytesAsync(file, FollowedArchive.Segment(1));
        Assert.Equal(0, await PushAsync(FollowedArchive.Name(1)));
        Assert.Equal(0, await PushAsync(FollowedArchive.Name(1))); // PostgreSQL did not hear of the success

        await archive.ReplayAsync(1);

        await File.WriteAllBytesAsync(file, FollowedArchive.Segment(1, cluster: 1));
        Assert.Equal(1, await PushAsync(FollowedArchive.Name(1)));

        async Task<int> PushAsync(string name)
        {
            using var push = Process.Start(new ProcessStartInfo(programs.WalPrefetch, ["push", archive.Layout.ArchiveFile, file, name]) { RedirectStandardError = true })!;
            await push.WaitForExitAsync();
            return push.ExitCode;
        }
    }
}
