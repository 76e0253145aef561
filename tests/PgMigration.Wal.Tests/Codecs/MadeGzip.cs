using System.IO.Compression;

namespace PgMigration.Wal;

/// <summary>Gzip members made byte by byte, with any fields in their headers. Format: RFC 1952.</summary>
internal sealed class MadeGzip(Random random)
{
    /// <summary>A member of random shape.</summary>
    public MadeStream Any() => Member((byte)random.Next(32), random.Next(4) switch { 0 => 0, 1 => random.Next(1, 40), _ => random.Next(1, 200_000) }, random.Next(3));

    /// <summary>A member.</summary>
    /// <param name="flags">1 text, 2 header checksum, 4 extra field, 8 name, 16 comment, and others that mean nothing.</param>
    /// <param name="length">Bytes of its content.</param>
    /// <param name="how">0: stored blocks; 1: blocks of fixed codes or none; else compressed.</param>
    public MadeStream Member(byte flags, int length, int how)
    {
        byte[] content = Some.Bytes(length, random.Next());
        byte[] extra = Some.Bytes(random.Next(400), random.Next());
        byte[] header =
        [
            0x1F, 0x8B, 8, flags, .. MadeStream.Word((uint)random.Next()), (byte)random.Next(256), (byte)random.Next(256),
            .. (flags & 4) != 0 ? (byte[])[(byte)extra.Length, (byte)(extra.Length >> 8), .. extra] : [],
            .. (flags & 8) != 0 ? "part_001.tar\0"u8 : [],
            .. (flags & 16) != 0 ? "a comment\0"u8 : [],
        ];
        byte[] check = (flags & 2) != 0 ? [.. MadeStream.Word(Crc32.Of(header))[..2]] : [];
        byte[] member = [.. header, .. check, .. Deflate(content, how), .. MadeStream.Word(Crc32.Of(content)), .. MadeStream.Word((uint)length)];
        return new MadeStream($"member {flags:X2} of {length} bytes, {how}", member, random.Next(2) == 0 ? int.MaxValue : random.Next(1, 3000));
    }

    private byte[] Deflate(byte[] content, int how)
    {
        var encoded = new MemoryStream();
        if (how == 0)
        {
            for (int at = 0; at < content.Length;)
            {
                int count = Math.Min(random.Next(4) == 0 ? 0 : random.Next(1, 65_536), content.Length - at); // empty ones too
                encoded.Write([0, (byte)count, (byte)(count >> 8), (byte)~count, (byte)(~count >> 8), .. content.AsSpan(at, count)]);
                at += count;
            }

            encoded.Write([1, 0, 0, 0xFF, 0xFF]);
            return encoded.ToArray();
        }

        if (content.Length == 0)
        {
            return [3, 0]; // a last block of fixed codes that holds nothing
        }

        using (var deflate = new DeflateStream(encoded, how == 1 ? CompressionLevel.Fastest : CompressionLevel.SmallestSize, leaveOpen: true))
        {
            for (int at = 0; at < content.Length;)
            {
                int count = Math.Min(random.Next(1, 50_000), content.Length - at);
                deflate.Write(content, at, count);
                deflate.Flush(); // an empty stored block
                at += count;
            }
        }

        return encoded.ToArray();
    }
}
