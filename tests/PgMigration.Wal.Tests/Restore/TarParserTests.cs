using System.Formats.Tar;

namespace PgMigration.Wal.Tests;

public sealed class TarParserTests
{
    private const int Block = 512;

    [Theory]
    [InlineData(TarEntryFormat.Ustar)]
    [InlineData(TarEntryFormat.Pax)]
    [InlineData(TarEntryFormat.Gnu)]
    public void Every_format_that_backups_use_is_read(TarEntryFormat format)
    {
        string longName = "/base/" + string.Join('/', Enumerable.Repeat("a-folder-with-a-name", 4)) + "/1259";
        byte[] content = Some.Bytes(3_000_001);
        byte[] tar = TarOf(format, ("/base/5/1259", content), (longName, [1, 2, 3]), ("/empty", []));

        var entries = ReadAll(tar);

        Assert.Equal(["/base/5/1259", longName, "/empty"], entries.Select(entry => entry.Name));
        Assert.Equal(content, entries[0].Content);
        Assert.Equal([1, 2, 3], entries[1].Content);
        Assert.Empty(entries[2].Content);
    }

    [Theory]
    [InlineData(TarEntryFormat.Pax)]
    [InlineData(TarEntryFormat.Gnu)]
    public void Names_longer_than_a_header_are_read(TarEntryFormat format)
    {
        string name = "/" + new string('n', 200) + "/" + new string('m', 200);

        Assert.Equal(name, Assert.Single(ReadAll(TarOf(format, (name, [7])))).Name);
    }

    [Fact]
    public void A_tar_cut_at_any_block_is_noticed()
    {
        byte[] tar = TarOf(TarEntryFormat.Pax, ("/base/5/1259", Some.Bytes(5000)), ("/base/5/1260", Some.Bytes(100)));
        int end = tar.Length - (2 * Block);
        Assert.Equal(2, ReadAll(tar).Count);

        for (int length = 0; length < end + (2 * Block); length += Block / 2)
        {
            Assert.Throws<InvalidDataException>(() => ReadAll(tar[..length]));
        }
    }

    [Fact]
    public void Long_runs_of_zero_blocks_at_the_end_are_read_over_and_anything_else_there_is_refused()
    {
        byte[] tar = [.. TarOf(TarEntryFormat.Ustar, ("/a", [1])), .. new byte[5 << 20]];
        Assert.Single(ReadAll(tar));

        tar[^1] = 1;
        Assert.Throws<InvalidDataException>(() => ReadAll(tar));
    }

    [Fact]
    public void A_flipped_bit_in_a_header_is_noticed()
    {
        byte[] tar = TarOf(TarEntryFormat.Ustar, ("/base/5/1259", Some.Bytes(700)));
        for (int at = 0; at < Block; at += 13)
        {
            byte[] altered = [.. tar];
            altered[at] ^= 0x04;
            Assert.Throws<InvalidDataException>(() => ReadAll(altered));
        }
    }

    [Theory]
    [InlineData(TarEntryType.HardLink)]
    [InlineData(TarEntryType.CharacterDevice)]
    [InlineData(TarEntryType.Fifo)]
    public void What_no_backup_holds_is_refused(TarEntryType type)
    {
        using var stream = new MemoryStream();
        using (var writer = new System.Formats.Tar.TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true))
        {
            var entry = new PaxTarEntry(type, "/base/5/1259");
            if (type == TarEntryType.HardLink)
            {
                entry.LinkName = "/etc/passwd";
            }

            writer.WriteEntry(entry);
        }

        Assert.Throws<InvalidDataException>(() => ReadAll(stream.ToArray()));
    }

    [Fact]
    public void Sizes_in_base_256_are_read()
    {
        byte[] field = [0x80, 0, 0, 0, 0, 0, 0, 3, 0x20, 0, 0, 1];
        Assert.Equal(0x3_2000_0001, TarNumber.Read(field));
        Assert.Equal(8, TarNumber.Read("00000000010\0"u8));
        Assert.Throws<InvalidDataException>(() => TarNumber.Read("0000000008\0\0"u8));
        Assert.Throws<InvalidDataException>(() => TarNumber.Read([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]));
    }

    internal static byte[] TarOf(TarEntryFormat format, params (string Name, byte[] Content)[] files)
    {
        using var stream = new MemoryStream();
        using (var writer = new System.Formats.Tar.TarWriter(stream, format, leaveOpen: true))
        {
            foreach (var (name, content) in files)
            {
                if (name.Length > 1 && name.EndsWith('/')) // a folder; WAL-E's first entry is '/' itself
                {
                    writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, name.TrimEnd('/')));
                    continue;
                }

                System.Formats.Tar.TarEntry entry = format switch
                {
                    TarEntryFormat.Ustar => new UstarTarEntry(TarEntryType.RegularFile, name),
                    TarEntryFormat.Gnu => new GnuTarEntry(TarEntryType.RegularFile, name),
                    _ => new PaxTarEntry(TarEntryType.RegularFile, name),
                };
                entry.DataStream = new MemoryStream(content);
                writer.WriteEntry(entry);
            }
        }

        return stream.ToArray();
    }

    private static List<(string Name, byte[] Content)> ReadAll(byte[] tar)
    {
        var parser = new TarParser(new MemoryStream(tar));
        var entries = new List<(string, byte[])>();
        while (parser.Next() is { } entry)
        {
            var content = new MemoryStream();
            for (var piece = parser.ReadContent(); !piece.IsEmpty; piece = parser.ReadContent())
            {
                content.Write(piece);
            }

            entries.Add((entry.Name, content.ToArray()));
        }

        return entries;
    }
}
