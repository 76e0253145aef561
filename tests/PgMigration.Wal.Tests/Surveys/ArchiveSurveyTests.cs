using static PgMigration.Wal.SurveyedArchive;

namespace PgMigration.Wal;

public sealed class ArchiveSurveyTests : IDisposable
{
    private readonly SurveyedArchive _archive = new();

    public void Dispose() => _archive.Dispose();

    [Fact]
    public async Task An_unbroken_way_is_whole_and_measured()
    {
        var report = await _archive.With(Enumerable.Range(1, 69)).SurveyAsync(rate: 60 * SegmentSize);

        Assert.True(report.IsWhole);
        Assert.True(report.IsConsistent);
        Assert.Equal((Name(10), Name(69), 60L), (report.FirstSegment, report.LastSegment, report.Segments));
        Assert.Equal((60L * SegmentSize, 6000L), (report.WalBytes, report.StoredBytes));
        Assert.Equal(At(70), report.ReplayableTo);
        Assert.Equal(1440L * SegmentSize, report.WalBytesPerDay); // one a minute
        Assert.Equal(TimeSpan.FromSeconds(1), report.ReplayTime);
        Assert.InRange(report.NewestAge!.Value, DateTime.UtcNow - new DateTime(2026, 11, 1, 1, 10, 0, DateTimeKind.Utc), TimeSpan.FromDays(10_000));
    }

    [Fact]
    public async Task Each_gap_is_named_with_its_length_and_the_way_ends_before_the_first_one()
    {
        var report = await _archive.With([.. Enumerable.Range(10, 11), 22, 23, 27]).SurveyAsync();

        Assert.False(report.IsWhole);
        Assert.Equal([(Name(21), Name(21), 1L), (Name(24), Name(26), 3L)], report.Gaps.Select(gap => (gap.First, gap.Last, gap.Segments)));
        Assert.Equal((At(21), 11L), (report.ReplayableTo, report.Segments));
        Assert.Contains(Name(21).ToString(), report.Detail, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromMinutes(2), report.Gaps[0].After - report.Gaps[0].Before);
    }

    [Fact]
    public async Task A_backup_whose_own_wal_is_not_there_never_becomes_consistent()
    {
        Assert.False((await _archive.SurveyAsync()).IsWhole); // nothing at all
        _archive.With([10, 11]);

        var report = await _archive.SurveyAsync();
        Assert.False(report.IsConsistent);
        Assert.Equal(Name(12), Assert.Single(report.Gaps).First);
    }

    [Theory]
    [InlineData(".lz4", 0)]
    [InlineData("", SegmentSize - 1)]
    public async Task An_object_whose_length_cannot_be_a_segments_is_a_gap_unless_another_one_holds_it(string extension, int length)
    {
        _archive.With(Enumerable.Range(10, 5)).With([16, 17]).With([15], extension: extension, length: length);

        Assert.Equal((WalGapKind.Damaged, Name(15)), ((await _archive.SurveyAsync()).Gaps.Single().Kind, (await _archive.SurveyAsync()).Gaps.Single().First));

        _archive.With([15], extension: ".zst");
        Assert.True((await _archive.SurveyAsync()).IsWhole);
    }

    [Fact]
    public async Task A_segment_that_is_encrypted_but_not_compressed_is_no_gap()
    {
        using var archive = new SurveyedArchive(EncryptionKeys.Libsodium("a key of more than 25 characters", "none", "the test"));
        archive.With(Enumerable.Range(10, 5)).With([15, 16], extension: string.Empty, length: SegmentSize + (SegmentSize / 8192 * 17) + 24);

        Assert.Equal((true, 7L), ((await archive.SurveyAsync()).IsWhole, (await archive.SurveyAsync()).Segments));

        archive.With([17], extension: string.Empty, length: 0);
        Assert.Equal(WalGapKind.Damaged, Assert.Single((await archive.SurveyAsync()).Gaps).Kind);
    }

    [Fact]
    public async Task The_way_leads_over_forks_and_what_an_old_primary_wrote_beyond_one_counts_for_nothing()
    {
        _archive.With(Enumerable.Range(10, 11)).With([20], timeline: 1, extension: ".partial.lz4")
            .With(Enumerable.Range(20, 5), timeline: 2).With(Enumerable.Range(23, 7), timeline: 5)
            .WithHistory(2, (1, At(20, 0x1000))).WithHistory(5, (1, At(20, 0x1000)), (2, At(23, 0x1000)))
            .WithHistory(4, (1, At(5))).With(Enumerable.Range(10, 90), timeline: 4); // another copy, promoted before the backup was begun

        var report = await _archive.SurveyAsync();

        Assert.True(report.IsWhole, report.Detail);
        Assert.Equal((5u, Name(29, 5)), (report.Timeline, report.LastSegment));
        Assert.Equal([(1u, true), (2u, true), (4u, false), (5u, true)], report.Timelines.Select(timeline => (timeline.Timeline, timeline.IsOnTheWay)));
        Assert.Equal((2u, At(23, 0x1000)), (report.Timelines[3].Parent, report.Timelines[3].ForkedAt));
        Assert.Equal([$"{Name(20)}.partial.lz4"], report.Timelines[0].Partial);
        Assert.Equal(20, report.Segments);
    }

    [Fact]
    public async Task At_a_fork_the_new_timelines_own_segment_is_needed()
    {
        var report = await _archive.With(Enumerable.Range(10, 11)).WithHistory(2, (1, At(20, 0x1000))).With([21, 22], timeline: 2).SurveyAsync();

        Assert.Equal(Name(20, 2), Assert.Single(report.Gaps).First);
    }

    [Fact]
    public async Task Segments_of_a_timeline_without_its_history_are_a_gap()
    {
        var report = await _archive.With(Enumerable.Range(10, 11)).With(Enumerable.Range(20, 5), timeline: 2).SurveyAsync();

        var gap = Assert.Single(report.Gaps);
        Assert.Equal(WalGapKind.History, gap.Kind);
        Assert.Contains("00000002.history", gap.Detail, StringComparison.Ordinal);
        Assert.True(report.IsConsistent);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(1024)]
    public async Task The_segment_size_is_read_from_the_first_segment(int megabytes)
    {
        var first = WalSegmentName.Containing(1, new Lsn(10UL << 30), megabytes << 20);
        await MadeSegment.StoreAsync(_archive.Storage, $"{first}.lz4", MadeSegment.Bytes(first.ToString(), size: megabytes << 20)[..(1 << 20)]);
        var next = first.Next(megabytes << 20);
        await File.WriteAllBytesAsync(Path.Combine(_archive.WalFolder, $"{next}.lz4"), [1]);
        var backup = new WalBackup { Name = $"base_{first}", StartSegment = first, Time = DateTimeOffset.UtcNow, Archive = "here" };

        var report = await _archive.SurveyAsync(backup);

        Assert.True(report.IsWhole);
        Assert.Equal((megabytes << 20, next, 2L), (report.SegmentSize, report.LastSegment, report.Segments));
    }

    [Fact]
    public async Task Catching_up_takes_longer_while_the_source_goes_on_and_is_never_done_at_a_lower_rate()
    {
        _archive.With(Enumerable.Range(10, 61));
        double perSecond = SegmentSize / 60.0;

        Assert.Equal(TimeSpan.FromSeconds(61 * 30), (await _archive.SurveyAsync(rate: 2 * perSecond)).ReplayTime);
        Assert.Equal(TimeSpan.FromSeconds(61 * 60), (await _archive.SurveyAsync(rate: 2 * perSecond)).CatchUpTime);
        Assert.Null((await _archive.SurveyAsync(rate: 0.9 * perSecond)).CatchUpTime);
    }
}
