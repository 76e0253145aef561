namespace PgMigration.Wal;

/// <summary>Each codec accepts what the reference tool of its format accepts, with the same content, and refuses what it refuses.</summary>
public sealed class ReferenceToolTests
{
    private const int Seed = 20261130;

    [Fact]
    public Task Lz4_agrees_with_the_lz4_tool()
    {
        var random = new Random(Seed);
        var made = new MadeLz4(random);
        var streams = new List<MadeStream>();
        for (int i = 0; i < 24; i++)
        {
            streams.AddRange(made.Any().WithDamage(random, cuts: 3, flips: 2));
        }

        for (int i = 0; i < 6; i++)
        {
            streams.AddRange(made.Any().Then(made.Skippable(), made.Any(), made.Legacy(), made.Any()).WithDamage(random, cuts: 3, flips: 0));
            streams.AddRange(made.Skippable().Then(made.Legacy(), made.Legacy(), made.Skippable()).WithDamage(random, cuts: 2, flips: 0));
            streams.Add(made.Skippable());
        }

        foreach (int size in (int[])[4, 5, 6, 7])
        {
            streams.Add(made.Frame(false, true, true, 2, null, size, MadeLz4.Kind.FullStored, MadeLz4.Kind.FullCompressed, MadeLz4.Kind.EmptyStored));
            streams.Add(made.Frame(true, false, true, 2, null, size, MadeLz4.Kind.LongMatch, MadeLz4.Kind.EmptyStored, MadeLz4.Kind.Before, MadeLz4.Kind.EmptyCompressed, MadeLz4.Kind.Before));
            streams.Add(made.Frame(false, false, false, 0, null, size, MadeLz4.Kind.TooLong));
        }

        streams.AddRange(Enumerable.Range(0, 256).Where(flags => (flags & 0b1001) == 0).Select(flags => MadeLz4.Header((byte)flags, 0x70)));
        streams.AddRange(Enumerable.Range(0, 16).SelectMany(size => (MadeStream[])[MadeLz4.Header(0x60, (byte)(size << 4)), MadeLz4.Header(0x60, (byte)(0x40 | size))]));
        return ReferenceTool.AssertAgreesAsync(Codec.Lz4, "lz4 -dc", streams);
    }

    [Fact]
    public async Task Zstd_agrees_with_the_zstd_tool()
    {
        var random = new Random(Seed);
        var made = new MadeZstd(random);
        var streams = new List<MadeStream>();
        for (int i = 0; i < 16; i++)
        {
            streams.AddRange(made.Any().WithDamage(random, cuts: 3, flips: 2));
        }

        for (int i = 0; i < 4; i++)
        {
            streams.AddRange(made.Any().Then(made.Skippable(), await made.ByToolAsync("", 3000), made.Any(), await made.ByToolAsync("--no-check", 3000)).WithDamage(random, cuts: 3, flips: 1));
            streams.Add(made.Skippable());
        }

        foreach (string options in (string[])["-1", "-19", "--no-check", "--ultra -22", "--long=27", "--long=28", "--no-content-size"])
        {
            streams.AddRange((await made.ByToolAsync(options, 200_000)).WithDamage(random, cuts: 3, flips: 2));
        }

        streams.Add(await made.ByToolAsync("-1", 0));
        await ReferenceTool.AssertAgreesAsync(Codec.Zstd, "zstd -dc -q", streams);
    }

    [Fact]
    public Task Gzip_agrees_with_the_gzip_tool()
    {
        var random = new Random(Seed);
        var made = new MadeGzip(random);
        var streams = new List<MadeStream>();
        for (int flags = 0; flags < 256; flags += flags < 32 ? 1 : 13)
        {
            streams.AddRange(made.Member((byte)flags, random.Next(0, 30_000), random.Next(3)).WithDamage(random, cuts: 2, flips: 2));
        }

        for (int i = 0; i < 8; i++)
        {
            var empty = made.Member(0, 0, i % 2);
            streams.AddRange(empty.WithDamage(random, cuts: 6, flips: 2));
            streams.AddRange(made.Any().Then(empty, made.Any(), made.Any(), empty).WithDamage(random, cuts: 3, flips: 2));
        }

        return ReferenceTool.AssertAgreesAsync(Codec.Gzip, "gzip -dc", streams);
    }

    [Fact]
    public async Task Lzo_agrees_with_the_lzop_tool()
    {
        const int Warning = 2; // several parts: all are decoded
        var random = new Random(Seed);
        var made = new MadeLzop(random);
        var streams = new List<MadeStream>();
        for (int i = 0; i < 30; i++)
        {
            streams.AddRange(made.Any().WithDamage(random, cuts: 3, flips: 2));
        }

        for (int bit = 14; bit < 32; bit++)
        {
            streams.Add(made.Part(1 | (1u << bit), filter: null));
        }

        streams.AddRange([made.Part(1, 17), made.Part(1, null, method: 0), made.Part(1, null, method: 4), made.Part(1, null, level: 10), made.Part(1, null, needed: 0x2000), made.Part(1, null, needed: 0x0800), made.Part(1, null, version: 0x0890)]);
        await ReferenceTool.AssertAgreesAsync(Codec.Lzo, "lzop -dc", streams);
        await ReferenceTool.AssertAgreesAsync(Codec.Lzo, "lzop -dc", Enumerable.Range(0, 6).Select(_ => made.Any().Then(made.Any(), made.Any())), Warning);
    }

    [Fact]
    public async Task Lzma_agrees_with_the_lzma_tool()
    {
        var random = new Random(Seed);
        var streams = new List<MadeStream>();
        foreach (string options in (string[])["-0", "-6", "-9e", "--lzma1=dict=4KiB,lc=0,lp=2,pb=0", "--lzma1=dict=96MiB"])
        {
            int length = random.Next(1, 100_000);
            byte[] endMarked = await Tool.RunAsync($"xz --format=lzma -c {options}", Some.Bytes(length, random.Next()));
            streams.AddRange(new MadeStream($"{options} of {length}", endMarked, random.Next(1, 5000)).WithDamage(random, cuts: 4, flips: 0));
            foreach (long stated in (long[])[length, length + 1, length - 1, long.MaxValue, 0])
            {
                streams.AddRange(new MadeStream($"{options} of {length}, with an end mark and {stated} stated", [.. endMarked[..5], .. BitConverter.GetBytes(stated), .. endMarked[13..]]).WithDamage(random, cuts: 2, flips: 0));
            }
        }

        foreach (int length in (int[])[0, 1, 70_000])
        {
            streams.AddRange(WithoutEndMark(Some.Bytes(length)).WithDamage(random, cuts: 4, flips: 0));
        }

        streams.Add(new MadeStream("empty with an end mark", await Tool.RunAsync("xz --format=lzma -c", [])));
        await ReferenceTool.AssertAgreesAsync(Codec.Lzma, "lzma -dc", streams);
    }

    [Fact]
    public async Task Lzma_agrees_with_the_xz_tool_on_xz()
    {
        var random = new Random(Seed);
        var streams = new List<MadeStream>();
        foreach (string options in (string[])["-0", "-9", "--check=none", "--check=crc32", "--check=sha256", "--block-size=5000", "--x86 --lzma2", "--delta=dist=4 --lzma2"])
        {
            var stream = new MadeStream($"xz {options}", await Tool.RunAsync($"xz -c {options}", Some.Bytes(random.Next(1, 60_000), random.Next())), random.Next(1, 5000));
            streams.AddRange(stream.WithDamage(random, cuts: 3, flips: options == "--check=none" ? 0 : 3));
            streams.Add(stream.Then(new MadeStream("padding", new byte[8]), stream));
        }

        await ReferenceTool.AssertAgreesAsync(Codec.Lzma, "xz -dc", streams);
    }

    [Fact]
    public async Task Brotli_agrees_with_the_brotli_tool()
    {
        var random = new Random(Seed);
        var streams = new List<MadeStream>();
        foreach (string options in (string[])["-0", "-3", "-9 -w 10", "-q 11 -w 24"])
        {
            foreach (int length in (int[])[0, 1, 20_000, 200_000])
            {
                streams.AddRange(new MadeStream($"brotli {options} of {length}", await Tool.RunAsync($"brotli -c {options}", Some.Bytes(length, random.Next())), random.Next(1, 3000)).WithDamage(random, cuts: 3, flips: 2));
            }
        }

        await ReferenceTool.AssertAgreesAsync(Codec.Brotli, "brotli -dc", streams);
    }

    // As the LZMA SDK's own tool writes it.
    private static MadeStream WithoutEndMark(byte[] content)
    {
        var encoded = new MemoryStream();
        using (var encoder = SharpCompress.Compressors.LZMA.LzmaStream.Create(new SharpCompress.Compressors.LZMA.LzmaEncoderProperties(eos: false), false, encoded))
        {
            encoder.Write(content);
        }

        byte[] properties = [0x5D, 0, 0, 0x10, 0];
        return new MadeStream($"{content.Length} bytes without an end mark", [.. properties, .. BitConverter.GetBytes((long)content.Length), .. encoded.ToArray()]);
    }
}
