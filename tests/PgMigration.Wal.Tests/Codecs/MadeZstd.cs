namespace PgMigration.Wal;

/// <summary>Zstandard frames made byte by byte, also such as no writer writes. Format: RFC 8878.</summary>
internal sealed class MadeZstd(Random random)
{
    /// <summary>A frame of raw blocks and runs, of random shape.</summary>
    public MadeStream Any()
    {
        bool single = random.Next(2) == 0;
        int window = random.Next(0, 8); // 1 kB to 128 kB
        int largest = Math.Min(128 << 10, 1 << (10 + window));
        var content = new MemoryStream();
        var blocks = new List<byte[]>();
        int count = random.Next(0, 5);
        for (int i = 0; i < count; i++)
        {
            int length = random.Next(4) switch { 0 => 0, 1 => largest, _ => random.Next(1, largest) };
            length = single ? Math.Min(length, 1000) : length; // the window is the content then
            bool isRun = random.Next(2) == 0;
            byte[] bytes = isRun ? [.. Enumerable.Repeat((byte)i, length)] : Some.Bytes(length, random.Next());
            content.Write(bytes);
            blocks.Add(Block(isRun ? 1 : 0, length, isRun ? [(byte)i] : bytes, isLast: false));
        }

        blocks.Add(Block(0, 0, [], isLast: true));
        int size = single || random.Next(2) == 0 ? (int)content.Length : -1;
        byte[] header = size < 0 ? [0, (byte)(window << 3)]
            : single ? [0xA0, .. MadeStream.Word((uint)size)]
            : [0x80, (byte)(window << 3), .. MadeStream.Word((uint)size)];
        return new MadeStream($"zstd of {count} blocks, {content.Length} bytes", [0x28, 0xB5, 0x2F, 0xFD, .. header, .. blocks.SelectMany(block => block)], Piece());
    }

    /// <summary>A frame that is skipped.</summary>
    public MadeStream Skippable()
    {
        byte[] bytes = Some.Bytes(random.Next(4) == 0 ? 0 : random.Next(100_000), random.Next());
        return new MadeStream($"skippable of {bytes.Length}", [.. MadeStream.Word(0x184D2A50u + (uint)random.Next(16)), .. MadeStream.Word((uint)bytes.Length), .. bytes], Piece());
    }

    /// <summary>What the tool writes.</summary>
    public async Task<MadeStream> ByToolAsync(string options, int length) =>
        new($"zstd {options} of {length}", await Tool.RunAsync($"zstd -c -q {options}".TrimEnd(), Some.Bytes(length, random.Next())), Piece());

    private static byte[] Block(int type, int length, byte[] bytes, bool isLast)
    {
        int header = (length << 3) | (type << 1) | (isLast ? 1 : 0);
        return [(byte)header, (byte)(header >> 8), (byte)(header >> 16), .. bytes];
    }

    private int Piece() => random.Next(2) == 0 ? int.MaxValue : random.Next(1, 5000);
}
