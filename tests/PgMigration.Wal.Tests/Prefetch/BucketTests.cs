using System.Diagnostics;

namespace PgMigration.Wal;

[Collection("programs")]
public sealed class BucketTests(PublishedPrograms programs, TestS3 s3) : IClassFixture<TestS3>
{
    [Fact]
    public async Task A_segment_that_appears_in_a_bucket_is_there_within_a_second()
    {
        var access = s3.NewArchive();
        using var storage = ArchiveStorage.Open(access);
        using var archive = new FollowedArchive(programs, access: access);
        await StoreAsync(storage, 1);
        await archive.ReplayAsync(1);
        using var fetch = await archive.StartWaitingAsync(2);

        await StoreAsync(storage, 2);
        var since = Stopwatch.StartNew();
        await fetch.WaitForExitAsync();

        Assert.Equal(0, fetch.ExitCode);
        Assert.InRange(since.Elapsed.TotalSeconds, 0, 1);
        Some.AssertSame(FollowedArchive.Segment(2), await File.ReadAllBytesAsync(archive.Requested));
    }

    [Fact]
    public async Task A_bucket_that_is_gone_is_named_and_followed_again_by_the_access_that_is_written_meanwhile()
    {
        var direct = s3.NewArchive();
        using var storage = ArchiveStorage.Open(direct);
        var proxy = new FaultyProxy(s3.Endpoint);
        using var archive = new FollowedArchive(programs, access: TestS3.At(proxy.Endpoint, direct.Location.Prefix));
        await StoreAsync(storage, 1);
        await archive.ReplayAsync(1);
        await archive.StatusAsync(status => status.State == PrefetchState.CaughtUp);

        await proxy.DisposeAsync();
        var status = await archive.StatusAsync(status => status.State == PrefetchState.Unreachable);
        Assert.Contains(direct.Location.Url, status.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain(TestS3.Key, archive.Log() + status.Detail, StringComparison.Ordinal);

        await StoreAsync(storage, 2);
        direct.Save(archive.Layout.ArchiveFile);
        await archive.StatusAsync(status => status.State == PrefetchState.CaughtUp && status.LastInArchive == FollowedArchive.Name(2));
        await archive.ReplayAsync(2);
    }

    [Fact]
    public async Task A_service_that_fails_in_every_way_delays_segments_and_never_spoils_one()
    {
        var direct = s3.NewArchive();
        using var storage = ArchiveStorage.Open(direct);
        await Parallel.ForAsync(1, 13, async (number, _) => await StoreAsync(storage, number));
        FaultyProxy.Fault[] each =
        [
            FaultyProxy.Fault.Busy, FaultyProxy.Fault.CutAt(50_000), FaultyProxy.Fault.NoAnswer, FaultyProxy.Fault.LengthOf(1_000), FaultyProxy.Fault.CutAt(0),
            FaultyProxy.Fault.LengthOf(5_000_000), new() { FirstByteAfter = TimeSpan.FromMilliseconds(200) },
        ];
        await using var proxy = new FaultyProxy(s3.Endpoint, [.. each, .. each, FaultyProxy.Fault.StallAt(1_000), .. each]);
        using var archive = new FollowedArchive(programs, access: TestS3.At(proxy.Endpoint, direct.Location.Prefix));

        for (int number = 1; number <= 12; number++)
        {
            await archive.ReplayStubbornlyAsync(number);
        }

        await archive.StatusAsync(status => status.State == PrefetchState.CaughtUp);
    }

    [Fact]
    public async Task Keys_that_have_expired_are_named_and_those_that_are_written_meanwhile_are_used()
    {
        var direct = s3.NewArchive();
        using var storage = ArchiveStorage.Open(direct);
        await StoreAsync(storage, 1);
        await using var proxy = new FaultyProxy(s3.Endpoint);
        var access = TestS3.At(proxy.Endpoint, direct.Location.Prefix);
        using var archive = new FollowedArchive(programs, access: access.WithKeys(TestS3.Key, TestS3.Key, "old"));
        await archive.ReplayAsync(1);
        proxy.Refuse = head => head.Contains("x-amz-security-token: old", StringComparison.OrdinalIgnoreCase) ? FaultyProxy.Fault.Expired : null;
        await StoreAsync(storage, 2);

        var status = await archive.StatusAsync(status => status.State == PrefetchState.Unreachable);
        Assert.Contains("expired", status.Detail, StringComparison.Ordinal);

        access.WithKeys(TestS3.Key, TestS3.Key, "new").Save(archive.Layout.ArchiveFile);
        await archive.ReplayStubbornlyAsync(2);
    }

    private static Task StoreAsync(IArchiveStorage storage, int number) =>
        MadeSegment.StoreAsync(storage, FollowedArchive.Name(number) + ".lz4", FollowedArchive.Segment(number));
}
