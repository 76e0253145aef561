using K4os.Compression.LZ4;
using K4os.Hash.xxHash;

namespace PgMigration.Wal;

/// <summary>LZ4 frames made byte by byte, also such as no writer writes. Format: lz4_Frame_format.md of the LZ4 project.</summary>
internal sealed class MadeLz4(Random random)
{
    private const uint Stored = 0x8000_0000;

    /// <summary>A frame of random shape.</summary>
    public MadeStream Any()
    {
        int size = random.Next(8) == 0 ? random.Next(4, 8) : 4; // mostly 64 kB: quick
        var blocks = Enumerable.Range(0, random.Next(0, 5)).Select(_ => (Kind)random.Next((int)Kind.Count)).ToArray();
        return Frame(Flip(), Flip(), Flip(), random.Next(5), Flip() ? (uint)random.Next() : null, size, blocks);
    }

    /// <summary>A frame.</summary>
    /// <param name="linked">Blocks refer to what lies before them.</param>
    /// <param name="blockChecksums">A checksum after each block.</param>
    /// <param name="contentChecksum">A checksum after the last block.</param>
    /// <param name="contentSize">0 and 1: none stated; 2: the right one; 3: zero, which stands for unknown; 4: a wrong one.</param>
    /// <param name="dictionary">The number of a dictionary; null for none.</param>
    /// <param name="size">4 to 7: blocks of 64 kB to 4 MB at most.</param>
    /// <param name="kinds">The blocks.</param>
    public MadeStream Frame(bool linked, bool blockChecksums, bool contentChecksum, int contentSize, uint? dictionary, int size, params Kind[] kinds)
    {
        int largest = 1 << (8 + (2 * size));
        var content = new MemoryStream();
        var blocks = new MemoryStream();
        foreach (var kind in kinds)
        {
            var (word, bytes, decoded) = Block(kind, largest, linked && content.Length > 0 ? content.ToArray() : []);
            blocks.Write([.. MadeStream.Word(word), .. bytes, .. blockChecksums ? MadeStream.Word(XXH32.DigestOf(bytes)) : []]);
            content.Write(decoded);
        }

        byte flags = (byte)(0x40 | (linked ? 0 : 0x20) | (blockChecksums ? 0x10 : 0) | (contentSize > 1 ? 8 : 0) | (contentChecksum ? 4 : 0) | (dictionary is null ? 0 : 1));
        ulong stated = contentSize switch { 3 => 0, 4 => (ulong)content.Length + 1, _ => (ulong)content.Length };
        byte[] header = [flags, (byte)(size << 4), .. contentSize > 1 ? BitConverter.GetBytes(stated) : [], .. dictionary is { } number ? MadeStream.Word(number) : []];
        byte[] frame =
        [
            .. MadeStream.Word(0x184D2204), .. header, (byte)(XXH32.DigestOf(header) >> 8), .. blocks.ToArray(),
            0, 0, 0, 0, .. contentChecksum ? MadeStream.Word(XXH32.DigestOf(content.ToArray())) : [],
        ];
        string name = $"frame {flags:X2} of {string.Join(",", kinds)} up to {largest}, size {contentSize}";
        return new MadeStream(name, frame, Flip() ? int.MaxValue : random.Next(1, 5000));
    }

    /// <summary>A frame whose header has other flags or another block size than the format knows.</summary>
    public static MadeStream Header(byte flags, byte block)
    {
        byte[] header = [flags, block];
        return new MadeStream($"flags {flags:X2} {block:X2}", [.. MadeStream.Word(0x184D2204), .. header, (byte)(XXH32.DigestOf(header) >> 8), 0, 0, 0, 0]);
    }

    /// <summary>A frame that is skipped.</summary>
    public MadeStream Skippable()
    {
        byte[] bytes = Some.Bytes(random.Next(4) == 0 ? 0 : random.Next(100_000), random.Next());
        return new MadeStream($"skippable of {bytes.Length}", [.. MadeStream.Word(0x184D2A50u + (uint)random.Next(16)), .. MadeStream.Word((uint)bytes.Length), .. bytes]);
    }

    /// <summary>A frame of the legacy format (<c>lz4 -l</c>), with blocks that need not be full.</summary>
    public MadeStream Legacy()
    {
        int blocks = random.Next(0, 4);
        byte[] frame =
        [
            .. MadeStream.Word(0x184C2102),
            .. Enumerable.Range(0, blocks).SelectMany(_ =>
            {
                byte[] encoded = random.Next(4) == 0 ? [0] : Encode(Some.Bytes(random.Next(1, 200_000), random.Next()));
                return (byte[])[.. MadeStream.Word((uint)encoded.Length), .. encoded];
            }),
        ];
        return new MadeStream($"legacy of {blocks} blocks", frame);
    }

    private (uint Word, byte[] Bytes, byte[] Decoded) Block(Kind kind, int largest, byte[] before)
    {
        switch (kind)
        {
            case Kind.EmptyStored:
                return (Stored, [], []);
            case Kind.EmptyCompressed:
                byte[] token = [(byte)random.Next(16)]; // no literals; the length of a match that does not follow means nothing
                return (1, token, []);
            case Kind.FullStored:
            case Kind.ShortStored:
            case Kind.TooLong:
                byte[] plain = Some.Bytes(kind == Kind.FullStored ? largest : kind == Kind.TooLong ? largest + 1 : random.Next(1, 2000), random.Next());
                return ((uint)plain.Length | Stored, plain, plain);
            case Kind.LongMatch:
                byte[] run = new byte[largest]; // decodes to a full block
                byte[] shortRun = Encode(run);
                return ((uint)shortRun.Length, shortRun, run);
            case Kind.Before when before.Length > 0:
                return BlockOfBefore(before);
            default:
                byte[] content = Some.Bytes(kind == Kind.FullCompressed ? largest : random.Next(20, 5000), random.Next());
                byte[] encoded = Encode(content);
                return encoded.Length <= largest ? ((uint)encoded.Length, encoded, content) : ((uint)content.Length | Stored, content, content);
        }
    }

    // One literal, a match of 20 bytes into an earlier block, and five literals, which the format wants at a block's end.
    private (uint Word, byte[] Bytes, byte[] Decoded) BlockOfBefore(byte[] before)
    {
        int distance = Math.Min(before.Length + 1, random.Next(2, 65_536));
        byte[] decoded = new byte[1 + 20 + 12];
        byte[] window = [.. before, .. decoded];
        int at = before.Length;
        window[at++] = (byte)'x';
        for (int i = 0; i < 20; i++, at++)
        {
            window[at] = window[at - distance];
        }

        for (int i = 0; i < 12; i++)
        {
            window[at + i] = (byte)('a' + i);
        }

        byte[] bytes = [0x1F, (byte)'x', (byte)distance, (byte)(distance >> 8), 1, 0xC0, .. window[at..]];
        return ((uint)bytes.Length, bytes, window[before.Length..]);
    }

    private static byte[] Encode(byte[] plain)
    {
        byte[] encoded = new byte[LZ4Codec.MaximumOutputSize(plain.Length)];
        return encoded[..LZ4Codec.Encode(plain, encoded)];
    }

    private bool Flip() => random.Next(2) == 0;

    internal enum Kind
    {
        EmptyStored,
        EmptyCompressed,
        ShortStored,
        FullStored,
        Short,
        FullCompressed,
        LongMatch,
        Before,
        Count,
        TooLong,
    }
}
