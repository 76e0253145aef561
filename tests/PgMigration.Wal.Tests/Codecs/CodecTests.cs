namespace PgMigration.Wal;

public sealed class CodecTests
{
    public static TheoryData<string, int> Everything
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (string extension in (string[])["lz4", "zst", "br", "gz", ""])
            {
                foreach (int length in (int[])[0, 1, 65_536, 4 << 20, (4 << 20) + 1, 9_000_003])
                {
                    data.Add(extension, length);
                }
            }

            return data;
        }
    }

    public static TheoryData<string> Compressing => ["lz4", "zst", "br", "gz"];

    // Brotli has no checksum: docs/restore.md says what that means.
    public static TheoryData<string> Checksummed => ["lz4", "zst", "gz"];

    [Theory]
    [MemberData(nameof(Everything))]
    public async Task What_is_encoded_is_decoded(string extension, int length)
    {
        byte[] bytes = Some.Bytes(length);

        byte[] encoded = Encode(extension, bytes);

        Some.AssertSame(bytes, await DecodeAsync(extension, encoded));
    }

    [Theory]
    [MemberData(nameof(Compressing))]
    public async Task A_stream_cut_at_any_place_is_an_error(string extension)
    {
        byte[] encoded = Encode(extension, Some.Bytes((4 << 20) + 90_000));
        int[] ends = [.. Enumerable.Range(0, 24), .. Enumerable.Range(1, 10).Select(i => encoded.Length / 11 * i), .. Enumerable.Range(1, 10).Select(i => encoded.Length - i)];

        foreach (int end in ends)
        {
            await Assert.ThrowsAsync<InvalidDataException>(() => DecodeAsync(extension, encoded[..end]));
        }
    }

    [Theory]
    [MemberData(nameof(Checksummed))]
    public async Task A_flipped_bit_never_decodes_to_other_data(string extension)
    {
        byte[] bytes = Some.Bytes(100_000);
        byte[] encoded = Encode(extension, bytes);
        var random = new Random(7);
        int refused = 0;
        for (int attempt = 0; attempt < 60; attempt++)
        {
            byte[] altered = [.. encoded];
            altered[random.Next(altered.Length)] ^= (byte)(1 << random.Next(8));
            try
            {
                Some.AssertSame(bytes, await DecodeAsync(extension, altered));
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }

        // a few bits mean nothing, such as gzip's time stamp
        Assert.InRange(refused, 57, 60);
    }

    [Theory]
    [MemberData(nameof(Compressing))]
    public async Task What_follows_the_end_mark_is_an_error(string extension)
    {
        byte[] encoded = Encode(extension, Some.Bytes(1000));
        await Assert.ThrowsAsync<InvalidDataException>(() => DecodeAsync(extension, [.. encoded, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    }

    [Theory]
    [InlineData("lz4", "lz4 -c")]
    [InlineData("lz4", "lz4 -c -9 -BD -B4 --content-size")]
    [InlineData("lz4", "lz4 -c -B6 -BX --no-frame-crc")]
    [InlineData("lz4", "lz4 -c -BD -B7")]
    [InlineData("zst", "zstd -c -q")]
    [InlineData("zst", "zstd -c -q --long=27 --no-check")]
    [InlineData("br", "brotli -c -3")]
    [InlineData("br", "brotli -c -9 -w 24")]
    [InlineData("gz", "gzip -c")]
    [InlineData("gz", "gzip -c -1 -n")]
    public async Task What_the_usual_tools_write_is_read(string extension, string tool)
    {
        byte[] bytes = Some.Bytes(4_300_001);

        byte[] encoded = await Tool.RunAsync(tool, bytes);

        Some.AssertSame(bytes, await DecodeAsync(extension, encoded));
    }

    [Theory]
    [InlineData("lz4", "lz4 -dc")]
    [InlineData("zst", "zstd -dc -q")]
    [InlineData("br", "brotli -dc")]
    [InlineData("gz", "gzip -dc")]
    public async Task The_usual_tools_read_what_is_written(string extension, string tool)
    {
        byte[] bytes = Some.Bytes(4_300_001);

        Some.AssertSame(bytes, await Tool.RunAsync(tool, Encode(extension, bytes)));
    }

    [Fact]
    public async Task A_literal_frame_of_the_lz4_tool_is_read()
    {
        // printf hello | lz4 -c | xxd -p
        byte[] frame = Convert.FromHexString("04224d186440a70500008068656c6c6f00000000f97700fb");
        Assert.Equal("hello"u8.ToArray(), await DecodeAsync("lz4", frame));
    }

    [Fact]
    public void An_lz4_frame_is_written_as_WAL_G_writes_it()
    {
        byte[] encoded = Encode("lz4", Some.Bytes(10));

        // magic; version 1, independent blocks, content checksum, no content size; 4 MB blocks
        Assert.Equal("04224D186470", Convert.ToHexString(encoded[..6]));
    }

    [Theory]
    [InlineData("wal_005/000000010000000000000001.lz4", "lz4")]
    [InlineData("wal_005/00000002.history.zst", "zst")]
    [InlineData("basebackups_005/base_1/tar_partitions/part_001.tar.gz", "gz")]
    [InlineData("basebackups_005/base_1/tar_partitions/part_00000000.tar.lzo", "lzo")]
    [InlineData("wal_005/000000010000000000000001.br", "br")]
    [InlineData("wal_005/000000010000000000000001.lzma", "lzma")]
    [InlineData("wal_005/000000010000000000000001", "")]
    [InlineData("wal_005/00000002.history", "")]
    [InlineData("wal_005/000000010000000000000001.00000028.backup", "")]
    [InlineData("wal_005/000000010000000000000001.partial", "")]
    [InlineData("part_001.tar", "")]
    public void The_codec_follows_from_the_name(string name, string extension)
    {
        Assert.Equal(extension, Codec.ForName(name).Extension);
        Assert.Equal(name, Codec.ForName(name).NameFor(Codec.BareName(name)));
    }

    [Theory]
    [InlineData("xz")]
    [InlineData("bz2")]
    public void A_codec_that_is_missing_is_named_with_the_object(string extension)
    {
        var error = Assert.Throws<MigrationException>(() => Codec.ForName("part_001.tar." + extension));
        Assert.Equal(("CodecNotSupported", MigrationErrorKind.NotSupported), (error.ErrorId, error.Kind));
        Assert.Contains("part_001.tar." + extension, error.Message, StringComparison.Ordinal);
    }

    private static byte[] Encode(string extension, byte[] bytes)
    {
        var encoded = new MemoryStream();
        using (var encoder = Codec.ByExtension(extension)!.Compress(encoded))
        {
            for (int at = 0; at < bytes.Length; at += 700_000)
            {
                encoder.Write(bytes, at, Math.Min(700_000, bytes.Length - at));
            }
        }

        Assert.True(encoded.CanWrite, "the destination stays open");
        return encoded.ToArray();
    }

    private static Task<byte[]> DecodeAsync(string extension, byte[] encoded) => Some.AllAsync(Codec.ByExtension(extension)!.Decompress(new MemoryStream(encoded)));
}
