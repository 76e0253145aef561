namespace PgMigration.Wal;

public sealed class WalRecordCheckTests
{
    private const string Name = "000000010000000A00000123";
    private static readonly byte[] Whole = MadeSegment.WithRecords("000000010000000A00000123");

    [Fact]
    public void True_records_pass_up_to_the_one_that_crosses_the_segments_end() => Check(Whole);

    [Theory]
    [InlineData(58)]
    [InlineData(8192 + 30)]
    [InlineData(500_000)]
    [InlineData(900_001)]
    public void Three_overwritten_bytes_are_found_wherever_they_lie(int at)
    {
        byte[] damaged = [.. Whole];
        for (int i = at; i < at + 3; i++)
        {
            damaged[i] ^= 0x5A;
        }

        var error = Assert.Throws<InvalidDataException>(() => Check(damaged));
        Assert.Contains("A/12", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_single_altered_byte_of_a_page_is_found_but_in_what_nothing_reads()
    {
        // The page's timeline is compared by PostgreSQL with the history, not here; the padding between records is never read.
        var missed = Enumerable.Range(8192, 8192).Where(at => !IsFound(at)).ToList();
        Assert.InRange(missed.Count, 0, 8192 / 16);

        static bool IsFound(int at)
        {
            byte[] damaged = Whole.AsSpan(0, 65_536).ToArray();
            damaged[at] ^= 1;
            try
            {
                Check(damaged);
                return false;
            }
            catch (InvalidDataException)
            {
                return true;
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_copy_made_while_the_segment_was_written_ends_honestly(bool isRecycled)
    {
        // From the middle on it was never written, or is still what the segment before held there.
        byte[] copied = [.. Whole];
        byte[] before = isRecycled ? MadeSegment.WithRecords("000000010000000A00000122", seed: 7) : new byte[MadeSegment.Size];
        before.AsSpan(MadeSegment.Size / 2).CopyTo(copied.AsSpan(MadeSegment.Size / 2));
        Check(copied);
    }

    [Fact]
    public void A_record_torn_by_a_crash_and_given_up_is_no_damage()
    {
        // The server came up again, found the record's continuation missing, and wrote on from that page, which says so (XLP_FIRST_IS_OVERWRITE_CONTRECORD).
        byte[] torn = [.. Whole];
        int page = Enumerable.Range(10, 100).First(number => torn[(number * 8192) + 2] == 1) * 8192;
        torn.AsSpan(page + 24).Clear();
        torn.AsSpan(page + 16, 4).Clear();
        torn[page + 2] = 0;
        Assert.Throws<InvalidDataException>(() => Check(torn));

        torn[page + 2] = 8;
        byte[] next = MadeSegment.Record(new Random(5));
        next.AsSpan(0, Math.Min(next.Length, 8000)).CopyTo(torn.AsSpan(page + 24));
        Assert.InRange(next.Length, 24, 8000);
        Check(torn);
    }

    [Fact]
    public void Zeros_amid_the_records_are_a_hole_and_no_end()
    {
        byte[] torn = [.. Whole];
        torn.AsSpan(400_000 & ~8191, 8192).Clear();
        Assert.Throws<InvalidDataException>(() => Check(torn));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Whether_a_codec_brings_a_checksum_is_known_after_the_first_read(bool writesChecksum)
    {
        using var encoded = new MemoryStream();
        using (var encoder = new ZstdSharp.CompressionStream(encoded, level: 3, leaveOpen: true))
        {
            encoder.SetParameter(ZstdSharp.Unsafe.ZSTD_cParameter.ZSTD_c_checksumFlag, writesChecksum ? 1 : 0);
            encoder.Write(Whole);
        }

        encoded.Position = 0;
        using var decoded = Codec.Zstd.Decompress(encoded);
        Assert.True(decoded.Read(new byte[1000]) > 0);
        Assert.Equal(writesChecksum, Assert.IsAssignableFrom<IChecksummed>(decoded).HasChecksum);
    }

    private static void Check(byte[] segment)
    {
        Assert.Equal(WalSegmentName.Parse(Name).Start(MadeSegment.Size), WalPageHeader.Read(segment).Address);
        var check = new WalRecordCheck();
        foreach (byte[] chunk in segment.Chunk(65_536))
        {
            check.Append(chunk);
        }
    }
}
