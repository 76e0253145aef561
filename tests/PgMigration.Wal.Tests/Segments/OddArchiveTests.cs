using static PgMigration.Wal.SurveyedArchive;

namespace PgMigration.Wal;

/// <summary>Survey, restore and prefetcher read the same archive the same way, whatever its objects are called.</summary>
public sealed class OddArchiveTests : IDisposable
{
    private const int Last = 14;
    private const int Odd = 12;
    private const string OddName = "00000001000000000000000C";
    private readonly SurveyedArchive _archive = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("pgm-odd-").FullName;

    public void Dispose()
    {
        _archive.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(".")] // WALG_COMPRESSION_METHOD=none
    [InlineData("")]
    [InlineData(".zst")]
    [InlineData(".gz")]
    [InlineData(".zst", ".lz4")]
    [InlineData(".", "", ".br")]
    [InlineData(".lz4", ".lz4.tmp", ".lz4.sha256", "_delta.lz4", ".partial.", ".00000028.backup.", ".00000028.backup.lz4")]
    [InlineData(".lz4", ".bz2 foreign", ".xz foreign")]
    [InlineData(".gz", ".br empty", ".lz4 empty")]
    [InlineData(".zst", " altered", ".lz4 altered")]
    public async Task A_segment_is_there_for_all_three(params string[] endings)
    {
        await WriteAsync([10, 11, 13, 14], ".lz4");
        foreach (string ending in endings)
        {
            await WriteOddAsync(ending);
        }

        await WriteForeignAsync();

        Assert.True((await SurveyAsync()).IsWhole, (await SurveyAsync()).Detail);
        Assert.Equal(SegmentSize, (await BackupWal.CheckAsync(_archive.Storage, Backup, default)).SegmentSize);
        await ExpectPrefetchedAsync([10, 11, 12, 13, 14]);
    }

    [Theory]
    [InlineData(".")]
    [InlineData("")]
    [InlineData(".zst")]
    public async Task A_whole_archive_of_one_ending_is_read_by_all_three(string ending)
    {
        await WriteAsync(Enumerable.Range(10, 5), ending);
        await WriteForeignAsync();

        var report = await SurveyAsync();

        Assert.True(report.IsWhole, report.Detail);
        Assert.Equal((SegmentSize, Name(10), Name(Last), 5L), (report.SegmentSize, report.FirstSegment, report.LastSegment, report.Segments));
        Assert.Equal(SegmentSize, (await BackupWal.CheckAsync(_archive.Storage, Backup, default)).SegmentSize);
        await ExpectPrefetchedAsync([10, 11, 12, 13, 14]);
    }

    [Theory]
    [InlineData("", "SegmentMissing", WalGapKind.Missing)]
    [InlineData(".partial.lz4", "SegmentMissing", WalGapKind.Missing)]
    [InlineData(".partial.", "SegmentMissing", WalGapKind.Missing)]
    [InlineData(".00000028.backup.lz4", "SegmentMissing", WalGapKind.Missing)]
    [InlineData(".LZ4", "SegmentMissing", WalGapKind.Missing)]
    [InlineData(".lz4.", "SegmentMissing", WalGapKind.Missing)]
    [InlineData(".lz4.tmp", "SegmentMissing", WalGapKind.Missing)]
    [InlineData("_delta.lz4", "SegmentMissing", WalGapKind.Missing)]
    [InlineData(".xz foreign", "CodecNotSupported", WalGapKind.Damaged)]
    [InlineData(".gpg foreign", "CodecNotSupported", WalGapKind.Damaged)]
    [InlineData(".lz4 empty", "SegmentDamaged", WalGapKind.Damaged)]
    public async Task A_segment_is_missing_for_all_three(string ending, string errorId, WalGapKind kind)
    {
        await WriteAsync([10, 11, 13, 14], ".lz4");
        if (ending.Length > 0)
        {
            await WriteOddAsync(ending);
        }

        await File.WriteAllBytesAsync(Path.Combine(_archive.WalFolder, Name(Odd).ToString().ToLowerInvariant() + ".lz4"), [1]);

        var report = await SurveyAsync();
        Assert.Equal((kind, Name(Odd), 2L), (report.Gaps[0].Kind, report.Gaps[0].First, report.Segments));
        Assert.Equal(errorId, (await Assert.ThrowsAsync<MigrationException>(() => BackupWal.CheckAsync(_archive.Storage, Backup, default))).ErrorId);
        var view = await ViewAsync();
        if (errorId == "SegmentMissing")
        {
            Assert.Null(view.ObjectOf(Name(Odd)));
            Assert.False(await view.LookAgainAsync(Name(Odd), default));
        }
        else
        {
            await Assert.ThrowsAsync<MigrationException>(() => PrefetchAsync(view, Odd));
        }
    }

    [Theory]
    [InlineData(".history")]
    [InlineData(".history.")]
    [InlineData(".history.lz4")]
    [InlineData(".history.zst")]
    [InlineData(".history.gz")]
    [InlineData(".history.br")]
    public async Task A_timeline_is_found_by_all_three(string ending)
    {
        await WriteAsync([10, 11, 12, 13], ".lz4");
        await WriteAsync([13, 14], ".lz4", timeline: 17);
        await StoreAsync("00000011" + ending, System.Text.Encoding.ASCII.GetBytes($"1\t{At(13, 0x28)}\tno recovery target specified\n"));
        foreach (string foreign in (string[])["00000011.history.bak", "00000011.history~", "0000000_notes", "0000000b.history", "0000000a0000000000000001.lz4"])
        {
            await File.WriteAllTextAsync(Path.Combine(_archive.WalFolder, foreign), "nothing of the server's");
        }

        var report = await SurveyAsync();
        Assert.True(report.IsWhole, report.Detail);
        Assert.Equal((17u, Name(Last, 17)), (report.Timeline, report.LastSegment));
        Assert.Equal([1u, 17u], report.Timelines.Select(timeline => timeline.Timeline));

        Assert.Equal(At(13, 0x28), (await new SegmentStore(_archive.Storage, MadeSegment.Check).ReadHistoryAsync(17))!.Ancestors[^1].Switch);
        var view = await ViewAsync();
        Assert.True(await view.ListTimelinesAsync(1, default));
        Assert.Equal([17u], view.TimelinesNewestFirst);
    }

    private Task<WalArchiveReport> SurveyAsync() => ArchiveSurvey.RunAsync(_archive.Storage, Backup);

    private async Task<ArchiveView> ViewAsync()
    {
        var view = new ArchiveView(_archive.Storage);
        await view.ListSegmentsAsync(Name(10), SegmentSize, () => { }, default);
        return view;
    }

    private async Task ExpectPrefetchedAsync(int[] numbers)
    {
        var view = await ViewAsync();
        foreach (int number in numbers)
        {
            byte[] expected = Content(number);
            string file;
            try
            {
                file = await PrefetchAsync(view, number);
            }
            catch (MigrationException error) when (error.ErrorId == "SegmentDamaged")
            {
                Assert.True(await view.LookAgainAsync(Name(number), default)); // as the prefetcher does: another object holds it too
                file = await PrefetchAsync(view, number);
            }

            Some.AssertSame(expected, await File.ReadAllBytesAsync(file));
        }
    }

    private async Task<string> PrefetchAsync(ArchiveView view, int number)
    {
        var record = new RestoreRecord { SystemIdentifier = MadeSegment.Cluster, SegmentSize = SegmentSize, MajorVersion = 15, StartSegment = Name(10).ToString() };
        string file = Path.Combine(_folder, Name(number).ToString());
        await SegmentFetch.RunAsync(view, view.ObjectOf(Name(number))!, Name(number), record, file, null, default);
        return file;
    }

    // true records: what has no checksum of its own is checked by those of its records
    private static byte[] Content(int number, uint timeline = 1) => MadeSegment.WithRecords(Name(number, timeline).ToString());

    private async Task WriteAsync(IEnumerable<int> numbers, string ending, uint timeline = 1)
    {
        foreach (int number in numbers)
        {
            await StoreAsync(Name(number, timeline) + ending, timeline == 1 ? Content(number) : MadeSegment.WithRecords(Name(number, timeline).ToString()));
        }
    }

    // ".lz4", or ".lz4 empty", ".lz4 altered", ".xz foreign"
    private async Task WriteOddAsync(string ending)
    {
        string[] words = ending.Split(' ');
        string name = OddName + words[0];
        bool isWhole = words.Length == 1 && (words[0] is "" or "." || Codec.ByExtension(words[0][1..]) is not null);
        if (isWhole)
        {
            await StoreAsync(name, Content(Odd));
            return;
        }

        byte[] stored = words is [_, "empty"] ? [] : words is [_, "altered"] ? new byte[5000] : [1, 2, 3];
        await File.WriteAllBytesAsync(Path.Combine(_archive.WalFolder, name), stored);
    }

    private async Task WriteForeignAsync()
    {
        Directory.CreateDirectory(Path.Combine(_archive.WalFolder, "00000001000000000000000B.folder"));
        foreach (string foreign in (string[])["README", ".DS_Store", "00000001", "000000010000000000000 00D.lz4", "00000001000000000000000B.folder/part.lz4", "00000002-notes"])
        {
            await File.WriteAllTextAsync(Path.Combine(_archive.WalFolder, foreign), "nothing of the server's");
        }
    }

    private async Task StoreAsync(string objectName, byte[] content)
    {
        var encoded = new MemoryStream();
        await using (var encoder = Codec.ForName(objectName).Compress(encoded))
        {
            encoder.Write(content);
        }

        await File.WriteAllBytesAsync(Path.Combine(_archive.WalFolder, objectName), encoded.ToArray());
    }
}
