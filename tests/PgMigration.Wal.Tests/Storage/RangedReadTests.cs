using static PgMigration.Wal.FaultyProxy;

namespace PgMigration.Wal;

/// <summary>Large objects of a bucket, read in several ranges at once.</summary>
[Collection(S3Collection.Name)]
public sealed class RangedReadTests(TestS3 s3)
{
    private static readonly TransferLimits Quick = new()
    {
        IdleLimit = TimeSpan.FromMilliseconds(700), RetryBudget = TimeSpan.FromSeconds(10), FirstContactBudget = TimeSpan.FromSeconds(5), FirstPause = TimeSpan.FromMilliseconds(5),
    };

    private static readonly byte[] Bytes = Some.Bytes((4 * ReadAhead.RangeSize) + 12_345);

    [Fact]
    public async Task Every_byte_comes_in_order_and_each_range_is_asked_for_once()
    {
        var (access, stored) = await StoreAsync();
        await using var proxy = new FaultyProxy(s3.Endpoint);
        using var storage = ArchiveStorage.Open(access with { Endpoint = proxy.Endpoint }, Quick);
        using var ahead = new ReadAhead();

        Some.AssertSame(Bytes, await Some.AllAsync(await storage.OpenWholeAsync(stored, ahead)));

        Assert.Equal(5, proxy.Requests.Count);
        Assert.Contains(proxy.Requests, request => request.EndsWith("Range: bytes=8388608-16777215", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Ranges_that_are_cut_stall_or_are_refused_are_resumed()
    {
        var (access, stored) = await StoreAsync();
        await using var proxy = new FaultyProxy(s3.Endpoint, Fault.CutAt(1_000_000), Fault.StallAt(5_000_000), Fault.Busy, Fault.NoAnswer, Fault.CutAt(0));
        using var storage = ArchiveStorage.Open(access with { Endpoint = proxy.Endpoint }, Quick);
        using var ahead = new ReadAhead();

        Some.AssertSame(Bytes, await Some.AllAsync(await storage.OpenWholeAsync(stored, ahead)));

        Assert.Equal(10, proxy.Requests.Count);
    }

    [Fact]
    public async Task Several_objects_share_little_memory_and_none_waits_for_ever()
    {
        var (access, stored) = await StoreAsync();
        using var storage = ArchiveStorage.Open(access, Quick);
        using var ahead = new ReadAhead(ranges: 2);

        var all = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Task.Run(async () => await Some.AllAsync(await storage.OpenWholeAsync(stored, ahead)))));

        Assert.All(all, read => Some.AssertSame(Bytes, read));
    }

    [Fact]
    public async Task A_reader_that_stops_early_gives_its_memory_back()
    {
        var (access, stored) = await StoreAsync();
        using var storage = ArchiveStorage.Open(access, Quick);
        using var ahead = new ReadAhead(ranges: 1);
        await using (var first = await storage.OpenWholeAsync(stored, ahead))
        {
            await first.ReadExactlyAsync(new byte[100]);
        }

        Some.AssertSame(Bytes, await Some.AllAsync(await storage.OpenWholeAsync(stored, ahead)));
    }

    [Fact]
    public async Task An_object_that_is_replaced_meanwhile_is_an_error_and_not_a_mixture()
    {
        var (access, stored) = await StoreAsync();
        using var storage = ArchiveStorage.Open(access, Quick);
        using var ahead = new ReadAhead(ranges: 1); // so that the next range is asked for only when this one is read
        await using var stream = await storage.OpenWholeAsync(stored, ahead);
        await stream.ReadExactlyAsync(new byte[ReadAhead.RangeSize]);

        await storage.WriteAsync("object", new MemoryStream(Some.Bytes(Bytes.Length, seed: 2)));

        Assert.Equal("ArchiveObjectChanged", (await Assert.ThrowsAsync<MigrationException>(() => Some.AllAsync(stream))).ErrorId);
    }

    private async Task<(ArchiveAccess Access, ArchiveObject Stored)> StoreAsync()
    {
        var access = s3.NewArchive();
        using var storage = ArchiveStorage.Open(access);
        await storage.WriteAsync("object", new MemoryStream(Bytes));
        return (access, (await storage.FindAsync("object"))!);
    }
}
