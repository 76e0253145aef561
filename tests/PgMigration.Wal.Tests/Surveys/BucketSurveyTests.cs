namespace PgMigration.Wal;

[Collection(S3Collection.Name)]
public sealed class BucketSurveyTests(TestS3 s3)
{
    private const int SegmentSize = 1 << 28; // 16 segments to a log, so that a few objects span many

    [Fact]
    public async Task A_bucket_that_is_listed_in_many_ranges_at_once_shows_each_segment_once_and_in_order()
    {
        using var storage = ArchiveStorage.Open(s3.NewArchive());
        string[] all = [.. Enumerable.Range(1, 150).Where(number => number is not (90 or 91)).Select(number => $"{Name(number)}.lz4"), "00000002.history.lz4", $"{Name(120, 2)}.lz4", $"{Name(119)}.00000028.backup.lz4"];
        await Parallel.ForEachAsync(all, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (name, token) =>
            await storage.WriteAsync("wal_005/" + name, new MemoryStream([1]), token));

        var listed = await new SurveyListing(storage, IMigrationObserver.None, inOneGo: 20).RunAsync(Name(10), CancellationToken.None);

        Assert.Equal([1u, 2u], listed.Select(timeline => timeline.Timeline));
        Assert.Equal(Enumerable.Range(10, 141).Except([90, 91]).Select(number => Name(number)), listed[0].Segments.Select(stored => stored.Name(1)));
        Assert.Equal([Name(120, 2)], listed[1].Segments.Select(stored => stored.Name(2)));
        Assert.Equal("wal_005/00000002.history.lz4", listed[1].HistoryObject);
    }

    private static WalSegmentName Name(int number, uint timeline = 1) => WalSegmentName.Containing(timeline, new Lsn((ulong)number * SegmentSize), SegmentSize);
}
