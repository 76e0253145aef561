using System.Text;

namespace PgMigration.Wal;

public sealed class SegmentStoreTests : IDisposable
{
    private const string First = "000000010000000000000001";
    private const string Second = "000000010000000000000002";
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"pgm-segments-{Guid.NewGuid():N}");
    private readonly IArchiveStorage _storage;
    private readonly SegmentStore _store;

    public SegmentStoreTests()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "archive"));
        _storage = ArchiveStorage.Open(Path.Combine(_folder, "archive"));
        _store = new SegmentStore(_storage, MadeSegment.Check);
    }

    private string Target => Path.Combine(_folder, "target");

    public void Dispose()
    {
        _storage.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(".lz4")]
    [InlineData(".zst")]
    [InlineData(".gz")]
    [InlineData("")]
    public async Task A_segment_is_found_with_any_codec_and_put_in_place_whole(string extension)
    {
        byte[] bytes = MadeSegment.Bytes(First);
        await MadeSegment.StoreAsync(_storage, First + extension, bytes);

        Assert.True(await _store.FetchAsync(First, Target));

        Some.AssertSame(bytes, await File.ReadAllBytesAsync(Target));
        Assert.Equal([Target], Directory.GetFiles(_folder)); // nothing else is left
    }

    [Fact]
    public async Task What_is_not_there_is_false_and_leaves_nothing()
    {
        Assert.False(await _store.FetchAsync(First, Target));
        Assert.False(await _store.FetchAsync("00000002.history", Target));
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task An_archive_whose_folder_is_gone_is_an_error_and_not_a_missing_segment()
    {
        Directory.Delete(Path.Combine(_folder, "archive"), recursive: true);
        var error = await Assert.ThrowsAsync<MigrationException>(() => _store.FetchAsync(First, Target));
        Assert.Equal("ArchiveNotFound", error.ErrorId);
    }

    [Fact]
    public async Task A_file_that_is_there_stays_until_the_new_one_is_whole()
    {
        await File.WriteAllTextAsync(Target, "old");
        byte[] bytes = MadeSegment.Bytes(First);
        await MadeSegment.StoreAsync(_storage, First + ".lz4", bytes[..^8192]);

        await Assert.ThrowsAsync<MigrationException>(() => _store.FetchAsync(First, Target));
        Assert.Equal("old", await File.ReadAllTextAsync(Target));

        await MadeSegment.StoreAsync(_storage, First + ".lz4", bytes);
        Assert.True(await _store.FetchAsync(First, Target));
        Some.AssertSame(bytes, await File.ReadAllBytesAsync(Target));
    }

    public static TheoryData<string, string, string> Wrong => new()
    {
        { "short", "SegmentTruncated", "1040384" },
        { "long", "SegmentDamaged", "more than" },
        { "empty", "SegmentTruncated", "0 bytes" },
        { "cut", "SegmentDamaged", "cut" },
        { "version", "SegmentDamaged", "PostgreSQL 14 wrote it" },
        { "zeros", "SegmentDamaged", "D110" },
        { "cluster", "SegmentForeign", "7300000000000000001" },
        { "size", "SegmentDamaged", "segment size of 2097152" },
        { "position", "SegmentDamaged", "0/200000" },
        { "timeline", "SegmentDamaged", "timeline 2" },
        { "short header", "SegmentDamaged", "long header" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task What_is_not_the_segment_is_refused_by_name_and_leaves_nothing(string kind, string errorId, string word)
    {
        byte[] bytes = MadeSegment.Bytes(First);
        byte[] stored = kind switch
        {
            "short" => bytes[..^8192],
            "long" => [.. bytes, 0],
            "empty" => [],
            "version" => MadeSegment.Bytes(First, magic: 0xD10D),
            "zeros" => new byte[MadeSegment.Size],
            "cluster" => MadeSegment.Bytes(First, cluster: 42),
            "size" => [.. bytes[..32], 0, 0, 0x20, 0, .. bytes[36..]],
            "position" => MadeSegment.Bytes(Second),
            "timeline" => MadeSegment.Bytes(First, timeline: 2),
            "short header" => [.. bytes[..2], 0, .. bytes[3..]],
            _ => bytes,
        };
        await MadeSegment.StoreAsync(_storage, First + ".lz4", stored);
        if (kind == "cut")
        {
            string file = Path.Combine(_folder, "archive", "wal_005", First + ".lz4");
            await File.WriteAllBytesAsync(file, (await File.ReadAllBytesAsync(file))[..100_000]);
        }

        var error = await Assert.ThrowsAsync<MigrationException>(() => _store.FetchAsync(First, Target));

        Assert.Equal((errorId, MigrationErrorKind.InvalidData), (error.ErrorId, error.Kind));
        Assert.Contains(First + ".lz4", error.Message, StringComparison.Ordinal);
        Assert.Contains(word, error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task The_first_segment_after_a_promotion_may_carry_an_ancestors_timeline()
    {
        const string Name = "000000030000000000000005";
        var history = TimelineHistory.Parse(3, "1\t0/400000\tno recovery target specified\n\n2\t0/580000\tno recovery target specified\n");
        await MadeSegment.StoreAsync(_storage, Name + ".lz4", MadeSegment.Bytes(Name, timeline: 2));

        Assert.True(await _store.FetchAsync(Name, Target, history));
        Assert.True(await _store.FetchAsync(Name, Target)); // while the history is unknown

        var unrelated = TimelineHistory.Parse(3, "1\t0/400000\tno recovery target specified\n");
        var error = await Assert.ThrowsAsync<MigrationException>(() => _store.FetchAsync(Name, Target, unrelated));
        Assert.Contains("timeline 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_version_that_is_not_known_here_passes_with_a_plausible_page()
    {
        var future = new SegmentStore(_storage, MadeSegment.Check with { MajorVersion = 99 });
        await MadeSegment.StoreAsync(_storage, First + ".lz4", MadeSegment.Bytes(First, magic: 0xD1FF));
        await MadeSegment.StoreAsync(_storage, Second + ".lz4", MadeSegment.Bytes(Second, magic: 0x1234));

        Assert.True(await future.FetchAsync(First, Target));
        await Assert.ThrowsAsync<MigrationException>(() => future.FetchAsync(Second, Target));
    }

    [Fact]
    public async Task A_history_is_fetched_and_read()
    {
        const string Text = "1\t0/4000028\tno recovery target specified\n";
        await MadeSegment.StoreAsync(_storage, "00000002.history.lz4", Encoding.UTF8.GetBytes(Text));

        Assert.True(await _store.FetchAsync("00000002.history", Target));
        Assert.Equal(Text, await File.ReadAllTextAsync(Target));
        Assert.Equal([(1u, Lsn.Parse("0/4000028"))], (await _store.ReadHistoryAsync(2))!.Ancestors);
        Assert.Null(await _store.ReadHistoryAsync(3));
        Assert.Empty((await _store.ReadHistoryAsync(1))!.Ancestors);
    }

    [Fact]
    public async Task A_damaged_history_is_refused()
    {
        await MadeSegment.StoreAsync(_storage, "00000002.history.lz4", "nonsense"u8.ToArray());
        var error = await Assert.ThrowsAsync<MigrationException>(() => _store.FetchAsync("00000002.history", Target));
        Assert.Equal("HistoryInvalid", error.ErrorId);
        Assert.False(File.Exists(Target));
    }

    [Fact]
    public async Task A_listing_tells_segments_and_histories_whatever_their_codec()
    {
        foreach (string name in (string[])[First + ".lz4", Second + ".zst", "000000010000000000000003", "00000002.history.gz", Second + ".00000028.backup.lz4", "000000010000000000000004.br"])
        {
            await _storage.WriteAsync("wal_005/" + name, new MemoryStream([1]));
        }

        var all = await SegmentStore.ListAsync(_storage).ToListAsync();
        Assert.Equal([First, Second + ".00000028.backup", Second, "000000010000000000000003", "000000010000000000000004", "00000002.history"], all.Select(found => found.Name));
        Assert.Equal(4, all.Count(found => found.Segment is not null));
        Assert.Equal([2u], all.Where(found => found.HistoryOf is not null).Select(found => found.HistoryOf!.Value));
        Assert.Equal(["000000010000000000000003", "000000010000000000000004", "00000002.history"], await SegmentStore.ListAsync(_storage, after: Second).Select(found => found.Name).ToListAsync());
    }
}
