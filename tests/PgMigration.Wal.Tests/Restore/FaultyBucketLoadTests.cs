using System.Runtime.Versioning;
using static PgMigration.Wal.FaultyProxy;

namespace PgMigration.Wal.Tests;

/// <summary>A base backup that is loaded from a bucket whose service fails in every way there is.</summary>
[SupportedOSPlatform("linux")]
[Collection(S3Collection.Name)]
public sealed class FaultyBucketLoadTests(TestS3 s3) : IDisposable
{
    private static readonly TransferLimits Quick = new()
    {
        IdleLimit = TimeSpan.FromMilliseconds(700), RetryBudget = TimeSpan.FromSeconds(30), FirstPause = TimeSpan.FromMilliseconds(5), LongestPause = TimeSpan.FromMilliseconds(100),
    };

    private readonly LoadableArchive _archive = new();

    public void Dispose() => _archive.Dispose();

    [Fact]
    public async Task Parts_arrive_byte_for_byte_and_the_trouble_is_a_warning()
    {
        var access = await UploadAsync();
        Fault[] each = [Fault.Busy, Fault.CutAt(10_000), Fault.NoAnswer, Fault.StallAt(100), Fault.LengthOf(50_000), Fault.LengthOf(9_000_000), Fault.CutAt(0), new Fault { FirstByteAfter = TimeSpan.FromMilliseconds(100) }];
        await using var proxy = new FaultyProxy(s3.Endpoint, [.. each, .. each]);
        var observer = new WatchedWarnings();
        using var storage = ArchiveStorage.Open(access with { Endpoint = proxy.Endpoint }, Quick, observer);
        var layout = _archive.NewDirectory();

        await _archive.LoadAsync(layout, storage);

        _archive.AssertLoaded(layout);
        Assert.True(proxy.Requests.Count > 2 * each.Length, string.Join('\n', proxy.Requests));
        Assert.NotEmpty(observer.Warnings);
    }

    [Fact]
    public async Task A_service_that_stays_away_ends_the_load_and_the_next_one_goes_on()
    {
        var access = await UploadAsync();
        await using var proxy = new FaultyProxy(s3.Endpoint);
        proxy.Refuse = head => proxy.Requests.Count > 4 && !head.Contains("list-type", StringComparison.Ordinal) ? Fault.Busy.Answer : null;
        using var storage = ArchiveStorage.Open(access with { Endpoint = proxy.Endpoint }, Quick with { RetryBudget = TimeSpan.FromSeconds(1) });
        var layout = _archive.NewDirectory();

        Assert.Equal("ArchiveUnreachable", (await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(layout, storage))).ErrorId);
        Assert.False(BackupLoader.IsLoaded(layout));

        proxy.Refuse = null;
        await _archive.LoadAsync(layout, storage);
        _archive.AssertLoaded(layout);
    }

    private async Task<ArchiveAccess> UploadAsync()
    {
        await _archive.WriteAsync();
        var access = s3.NewArchive();
        using var bucket = ArchiveStorage.Open(access);
        using var folder = _archive.Storage;
        await foreach (var found in folder.ListAsync(BackupCatalog.Folder))
        {
            await using var content = await folder.OpenReadAsync(found.Name);
            await bucket.WriteAsync(found.Name, content);
        }

        return access;
    }
}
