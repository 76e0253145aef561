namespace PgMigration.Wal;

/// <summary>Codecs that are only read, on what the real tools wrote.</summary>
public sealed class ReadOnlyCodecTests
{
    public static TheoryData<string, string> Tools => new()
    {
        { "lzma", "xz --format=lzma -c -1" },
        { "lzma", "xz --format=lzma -c -9" },
        { "lzo", "lzop -c" }, // as WAL-E runs it: an Adler-32 of each block's content
        { "lzo", "lzop -c -9 --crc32" }, // another LZO1X encoder, and CRC-32
        { "lzo", "lzop -c -1 --no-checksum" },
    };

    public static TheoryData<string, string> OnePerCodec => new() { { "lzma", "xz --format=lzma -c -1" }, { "lzo", "lzop -c" } };

    [Theory]
    [MemberData(nameof(Tools))]
    public async Task What_the_tool_writes_is_read(string extension, string tool)
    {
        foreach (int length in (int[])[0, 1, 5, 262_144, 262_145, 4_300_001])
        {
            byte[] bytes = Some.Bytes(length);
            Some.AssertSame(bytes, await DecodeAsync(extension, await Tool.RunAsync(tool, bytes)));
        }
    }

    [Theory]
    [MemberData(nameof(Tools))]
    public async Task Bytes_that_do_not_compress_and_long_runs_are_read(string extension, string tool)
    {
        byte[] noise = new byte[600_000];
        new Random(3).NextBytes(noise);
        byte[] runs = new byte[3_000_000]; // matches of maximal length, and overlapping ones
        for (int at = 0; at < runs.Length; at++)
        {
            runs[at] = (byte)(at % 70_000 < 3 ? at : 7);
        }

        Some.AssertSame(noise, await DecodeAsync(extension, await Tool.RunAsync(tool, noise)));
        Some.AssertSame(runs, await DecodeAsync(extension, await Tool.RunAsync(tool, runs)));
    }

    [Theory]
    [MemberData(nameof(Tools))]
    public async Task A_stream_cut_at_any_place_is_an_error(string extension, string tool)
    {
        byte[] encoded = await Tool.RunAsync(tool, Some.Bytes(700_000));
        int[] ends = [.. Enumerable.Range(0, 80), .. Enumerable.Range(1, 20).Select(i => encoded.Length / 21 * i), .. Enumerable.Range(1, 20).Select(i => encoded.Length - i)];

        foreach (int end in ends)
        {
            await Assert.ThrowsAsync<InvalidDataException>(() => DecodeAsync(extension, encoded[..end]));
        }
    }

    [Theory]
    [MemberData(nameof(OnePerCodec))]
    public async Task What_follows_the_end_mark_is_an_error(string extension, string tool)
    {
        byte[] encoded = await Tool.RunAsync(tool, Some.Bytes(1000));
        await Assert.ThrowsAsync<InvalidDataException>(() => DecodeAsync(extension, [.. encoded, 1]));
        await Assert.ThrowsAsync<InvalidDataException>(() => DecodeAsync(extension, [.. encoded, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    }

    [Theory]
    [InlineData("lzop -c")]
    [InlineData("lzop -c --crc32")]
    public async Task A_flipped_bit_in_an_lzop_stream_with_checksums_never_decodes_to_other_data(string tool)
    {
        byte[] bytes = Some.Bytes(100_000);
        byte[] encoded = await Tool.RunAsync(tool, bytes);
        var random = new Random(7);
        int refused = 0;
        for (int attempt = 0; attempt < 300; attempt++)
        {
            byte[] altered = [.. encoded];
            altered[random.Next(altered.Length)] ^= (byte)(1 << random.Next(8));
            try
            {
                Some.AssertSame(bytes, await DecodeAsync("lzo", altered)); // a match may as well be copied from another place with the same bytes
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 200, 300);
    }

    [Theory]
    [InlineData("lzma", "xz --format=lzma -c -1")]
    [InlineData("lzo", "lzop -c --no-checksum")]
    [InlineData("br", "brotli -c -3")]
    public async Task Altered_bytes_end_in_data_or_in_the_one_kind_of_error(string extension, string tool)
    {
        byte[] encoded = await Tool.RunAsync(tool, Some.Bytes(20_000));
        var random = new Random(11);
        for (int attempt = 0; attempt < 400; attempt++)
        {
            byte[] altered = [.. encoded];
            for (int flips = random.Next(1, 4); flips > 0; flips--)
            {
                altered[random.Next(altered.Length)] = (byte)random.Next(256);
            }

            try
            {
                _ = await DecodeAsync(extension, altered);
            }
            catch (InvalidDataException)
            {
                // what a caller knows how to tell
            }
        }
    }

    [Fact]
    public void A_hostile_LZO_block_is_refused_without_a_read_or_a_write_elsewhere()
    {
        var random = new Random(5);
        byte[] guarded = new byte[3000];
        for (int attempt = 0; attempt < 100_000; attempt++)
        {
            byte[] block = new byte[random.Next(0, 40)];
            random.NextBytes(block);
            guarded.AsSpan().Fill(0xA5);

            _ = Lzo1x.TryDecode(block, guarded.AsSpan(1000, 1000));

            Assert.False(guarded.AsSpan(0, 1000).ContainsAnyExcept((byte)0xA5) || guarded.AsSpan(2000).ContainsAnyExcept((byte)0xA5));
        }
    }

    [Theory]
    [InlineData("")] // nothing at all
    [InlineData("11")] // half an end mark
    [InlineData("110000")] // the end mark, and so less than was stated
    [InlineData("12 41 11 00 00")] // one literal
    [InlineData("00 00 00 00 00 00 00 00")] // a length that never ends
    [InlineData("15 41 42 43 44 40 FF 11 00 00")] // a match that begins before the block
    public void An_LZO_block_that_does_not_give_what_it_states_is_refused(string hex) =>
        Assert.False(Lzo1x.TryDecode(Convert.FromHexString(hex.Replace(" ", string.Empty, StringComparison.Ordinal)), new byte[10]));

    [Fact]
    public async Task An_lzma_stream_that_wants_gigabytes_is_refused()
    {
        byte[] encoded = await Tool.RunAsync("xz --format=lzma -c -1", Some.Bytes(1000));
        encoded[4] = 0x80; // a dictionary of 2 GB

        await Assert.ThrowsAsync<InvalidDataException>(() => DecodeAsync("lzma", encoded));
    }

    [Fact]
    public async Task An_lzma_stream_that_states_its_length_is_refused()
    {
        byte[] encoded = await Tool.RunAsync("xz --format=lzma -c -1", Some.Bytes(50_000));
        BitConverter.TryWriteBytes(encoded.AsSpan(5), long.MaxValue); // one flipped bit: the decoder would go on for ever

        await Assert.ThrowsAsync<InvalidDataException>(() => DecodeAsync("lzma", encoded));
    }

    [Fact]
    public async Task Without_liblzma_only_what_WAL_G_writes_is_read()
    {
        byte[] bytes = Some.Bytes(100_000);
        Some.AssertSame(bytes, await Some.AllAsync(LzmaCodec.DecompressManaged(new MemoryStream(await Tool.RunAsync("xz --format=lzma -c -1", bytes)))));

        byte[] xz = await Tool.RunAsync("xz -c", bytes);
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => Some.AllAsync(LzmaCodec.DecompressManaged(new MemoryStream(xz))));
        Assert.Contains("liblzma", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_an_lzop_stream_with_checksums_says_that_it_has_them()
    {
        Assert.True(await HasChecksumAsync("lzop -c"));
        Assert.True(await HasChecksumAsync("lzop -c --crc32"));
        Assert.False(await HasChecksumAsync("lzop -c --no-checksum"));

        static async Task<bool> HasChecksumAsync(string tool)
        {
            await using var stream = Codec.Lzo.Decompress(new MemoryStream(await Tool.RunAsync(tool, Some.Bytes(10))));
            _ = await stream.ReadAsync(new byte[10]);
            return Assert.IsAssignableFrom<IChecksummed>(stream).HasChecksum;
        }
    }

    private static Task<byte[]> DecodeAsync(string extension, byte[] encoded) => Some.AllAsync(Codec.ByExtension(extension)!.Decompress(new MemoryStream(encoded)));
}
