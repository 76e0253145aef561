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
        await archive.StatusAsync(status => status.State == PrefetchState.CaughtUp);
        using var fetch = archive.StartFetch(FollowedArchive.Name(2));
        await FollowedArchive.UntilItWaitsAsync(fetch);

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

    private static Task StoreAsync(IArchiveStorage storage, int number) =>
        MadeSegment.StoreAsync(storage, FollowedArchive.Name(number) + ".lz4", FollowedArchive.Segment(number));
}
