using System.Diagnostics;
using System.Text;

namespace PgMigration.Wal;

/// <summary>A bucket that accepts connections and says nothing must not hold up a promotion.</summary>
[Collection("programs")]
public sealed class MuteArchiveTests(PublishedPrograms programs, TestS3 s3) : IClassFixture<TestS3>
{
    private const string History = "1\t0/180000\tno recovery target specified\n";

    [Fact]
    public async Task A_promotion_is_through_in_a_moment_although_the_bucket_says_nothing_any_more()
    {
        var direct = s3.NewArchive();
        using var storage = ArchiveStorage.Open(direct);
        await MadeSegment.StoreAsync(storage, "00000002.history.lz4", Encoding.UTF8.GetBytes(History));
        string first = FollowedArchive.Name(1, timeline: 2);
        await MadeSegment.StoreAsync(storage, first + ".lz4", FollowedArchive.Segment(1, timeline: 1));
        await using var proxy = new FaultyProxy(s3.Endpoint);
        using var archive = new FollowedArchive(programs, start: first, access: TestS3.At(proxy.Endpoint, direct.Location.Prefix));
        await archive.RunServerAsync(100);
        Assert.Equal(0, await archive.FetchAsync("00000002.history"));
        Assert.Equal(0, await archive.FetchAsync(first));
        File.Move(archive.Requested, Path.Combine(archive.Layout.DataDirectory, "pg_wal", first));
        await archive.StatusAsync(status => status.State == PrefetchState.CaughtUp);
        string next = FollowedArchive.Name(2, timeline: 2);
        Assert.Equal(1, await archive.FetchAsync(next));
        using var waiting = archive.StartFetch(next);
        await FollowedArchive.UntilAsync(() => proxy.Requests.ToArray().Any(request => request.Contains(next, StringComparison.Ordinal)) ? "waits" : null);

        proxy.IsMute = true;
        string promote = Path.Combine(archive.Layout.DataDirectory, "promote");
        await File.WriteAllTextAsync(promote, string.Empty);
        var since = Stopwatch.StartNew();
        await waiting.WaitForExitAsync();
        Assert.Equal(1, waiting.ExitCode);

        // PostgreSQL has seen it: from here on only the prefetcher knows. What it asks for then, in this order.
        File.Delete(promote);
        Assert.Equal(1, await archive.FetchAsync(first));
        Assert.Equal(1, await archive.FetchAsync(next));
        Assert.Equal(1, await archive.FetchAsync("00000003.history"));
        Assert.Equal(0, await archive.FetchAsync("00000002.history"));
        Assert.Equal(History, await File.ReadAllTextAsync(archive.Requested));
        Assert.InRange(since.Elapsed.TotalSeconds, 0, 2);

        // Another run of the server follows again, and is promoted by nobody.
        await archive.RunServerAsync(200);
        using var following = archive.StartFetch(next);
        using var enough = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => following.WaitForExitAsync(enough.Token));
        following.Kill();
    }

    [Fact]
    public async Task A_segment_known_to_be_there_of_which_nothing_comes_does_not_hold_up_a_promotion_for_long()
    {
        var direct = s3.NewArchive();
        using var storage = ArchiveStorage.Open(direct);
        await using var proxy = new FaultyProxy(s3.Endpoint);
        using var archive = new FollowedArchive(programs, access: TestS3.At(proxy.Endpoint, direct.Location.Prefix), poolLimit: 4 * FollowedArchive.SegmentSize);
        for (int number = 1; number <= 8; number++)
        {
            await MadeSegment.StoreAsync(storage, FollowedArchive.Name(number) + ".lz4", FollowedArchive.Segment(number));
        }

        await archive.RunServerAsync(100);
        await archive.ReplayAsync(1);
        await archive.StatusAsync(status => status.PoolBytes == 4 * FollowedArchive.SegmentSize && status.LastInArchive == FollowedArchive.Name(8));
        proxy.IsMute = true;
        await File.WriteAllTextAsync(Path.Combine(archive.Layout.DataDirectory, "promote"), string.Empty);
        for (int number = 2; number <= 5; number++)
        {
            await archive.ReplayAsync(number); // from the pool
        }

        var since = Stopwatch.StartNew();
        Assert.Equal(1, await archive.FetchAsync(FollowedArchive.Name(6)));
        Assert.InRange(since.Elapsed.TotalSeconds, 0.5, 2);
        Assert.Contains(FollowedArchive.Name(6), archive.Log(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_history_is_not_waited_for_longer_than_restore_command_believes_in_the_prefetcher()
    {
        var direct = s3.NewArchive();
        using var storage = ArchiveStorage.Open(direct);
        await MadeSegment.StoreAsync(storage, FollowedArchive.Name(1) + ".lz4", FollowedArchive.Segment(1));
        await using var proxy = new FaultyProxy(s3.Endpoint) { IsMute = true };
        using var archive = new FollowedArchive(programs, access: TestS3.At(proxy.Endpoint, direct.Location.Prefix));

        using var fetch = archive.StartFetch("00000002.history");
        string said = await fetch.StandardError.ReadToEndAsync();
        await fetch.WaitForExitAsync();

        Assert.Equal(1, fetch.ExitCode);
        Assert.Empty(said);
    }
}
