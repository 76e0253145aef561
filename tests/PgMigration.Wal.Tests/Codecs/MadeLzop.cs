namespace PgMigration.Wal;

/// <summary>Parts of an lzop stream made byte by byte. Format: lzop.c and p_lzo.c of lzop 1.04.</summary>
internal sealed class MadeLzop(Random random)
{
    /// <summary>A part of random shape.</summary>
    public MadeStream Any()
    {
        uint checks = (uint)(random.Next(2) == 0 ? random.Next(4) switch { 0 => 0, 1 => 1, 2 => 3, _ => 0x100 } : random.Next(2) == 0 ? 0x300 : 0x101);
        uint header = (random.Next(2) == 0 ? 0x1000u : 0) | (random.Next(3) == 0 ? 0x40u : 0) | (random.Next(3) == 0 ? 0x03000000u : 0);
        int? filter = (checks & 0x202) == 0 && random.Next(3) == 0 ? random.Next(0, 17) : null; // lzop compares a stored block's own checksum before the filter
        return Part(checks | header, filter, version: random.Next(3) == 0 ? 0x0930 : 0x1030, method: random.Next(1, 4), level: random.Next(0, 10));
    }

    /// <summary>A part.</summary>
    /// <param name="flags">Without that of the filter.</param>
    /// <param name="filter">The filter; null for none.</param>
    /// <param name="version">Of the lzop that wrote it; before 0940 its header is shorter.</param>
    /// <param name="method">1 to 3: LZO1X.</param>
    /// <param name="level">0 to 9.</param>
    /// <param name="needed">The version that is needed to read it.</param>
    public MadeStream Part(uint flags, int? filter, int version = 0x1030, int method = 1, int level = 3, int needed = 0x0940)
    {
        flags |= filter is null ? 0 : 0x800u;
        bool old = version < 0x0940;
        byte[] name = random.Next(2) == 0 ? [] : "part_001.tar"u8.ToArray();
        byte[] fields =
        [
            .. Half(version), .. Half(0x20A0), .. old ? [] : Half(needed), (byte)method, .. old ? (byte[])[] : [(byte)level],
            .. MadeStream.BigEndianWord(flags), .. filter is { } value ? MadeStream.BigEndianWord((uint)value) : [],
            .. new byte[old ? 8 : 12], (byte)name.Length, .. name,
        ];
        byte[] extra = [.. MadeStream.BigEndianWord(300), .. Some.Bytes(300, random.Next())];
        byte[] part =
        [
            0x89, (byte)'L', (byte)'Z', (byte)'O', 0, 0x0D, 0x0A, 0x1A, 0x0A, .. fields, .. Sum(fields, flags),
            .. (flags & 0x40) != 0 ? (byte[])[.. extra, .. Sum(extra, flags)] : [],
            .. Enumerable.Range(0, random.Next(0, 4)).SelectMany(_ => Block(flags, filter ?? 0)),
            0, 0, 0, 0,
        ];
        return new MadeStream($"part {flags:X8} filter {filter} version {version:X4} method {method} level {level} needs {needed:X4}", part, random.Next(2) == 0 ? int.MaxValue : random.Next(1, 3000));
    }

    private byte[] Block(uint flags, int filter)
    {
        byte[] encoded = [];
        byte[] filtered = Some.Bytes(random.Next(4) switch { 0 => random.Next(1, 20), 1 => 256 << 10, _ => random.Next(1, 5000) }, random.Next());
        if (random.Next(2) == 0)
        {
            (encoded, filtered) = Run(random.Next(300, 5000));
        }

        byte[] plain = [.. filtered];
        for (int at = filter; filter > 0 && at < plain.Length && (filter == 1 || plain.Length > filter); at++)
        {
            plain[at] += plain[at - filter];
        }

        bool isStored = encoded.Length == 0;
        return
        [
            .. MadeStream.BigEndianWord((uint)plain.Length), .. MadeStream.BigEndianWord((uint)(isStored ? plain.Length : encoded.Length)),
            .. (flags & 1) != 0 ? MadeStream.BigEndianWord(Adler32.Of(plain)) : [], .. (flags & 0x100) != 0 ? MadeStream.BigEndianWord(Crc32.Of(plain)) : [],
            .. !isStored && (flags & 2) != 0 ? MadeStream.BigEndianWord(Adler32.Of(encoded)) : [], .. !isStored && (flags & 0x200) != 0 ? MadeStream.BigEndianWord(Crc32.Of(encoded)) : [],
            .. isStored ? filtered : encoded,
        ];
    }

    // Four literals, and a match of the last of them: LZO1X as lzo.rst of the Linux kernel describes it.
    private static (byte[] Encoded, byte[] Decoded) Run(int length)
    {
        int left = length - 2 - 31;
        byte[] encoded = [17 + 4, (byte)'a', (byte)'b', (byte)'c', (byte)'d', 0x20, .. new byte[(left - 1) / 255], (byte)(left - ((left - 1) / 255 * 255)), 0, 0, 0x11, 0, 0];
        return (encoded, [(byte)'a', (byte)'b', (byte)'c', .. Enumerable.Repeat((byte)'d', length + 1)]);
    }

    private static byte[] Sum(byte[] bytes, uint flags) => MadeStream.BigEndianWord((flags & 0x1000) != 0 ? Crc32.Of(bytes) : Adler32.Of(bytes));

    private static byte[] Half(int value) => [(byte)(value >> 8), (byte)value];
}
