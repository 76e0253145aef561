using System.Buffers.Binary;
using K4os.Hash.xxHash;

namespace PgMigration.Wal;

/// <summary>The header of one LZ4 frame after its magic number: flags, block size, then perhaps content size and dictionary, then a checksum.</summary>
/// <param name="BlockSize">Bytes of a decoded block, at most.</param>
/// <param name="IsLinked">Whether a block may refer to what was decoded before it.</param>
/// <param name="HasBlockChecksums">Whether each block is followed by a checksum.</param>
/// <param name="HasContentChecksum">Whether the frame ends with a checksum of its content.</param>
/// <param name="ContentSize">Bytes of the frame's content; null when it is not known. The reference library takes 0 for unknown.</param>
internal readonly record struct Lz4FrameHeader(int BlockSize, bool IsLinked, bool HasBlockChecksums, bool HasContentChecksum, ulong? ContentSize)
{
    private const byte Linked = 0b10_0000;
    private const byte BlockChecksums = 0b1_0000;
    private const byte Size = 0b1000;
    private const byte ContentChecksum = 0b100;
    private const byte Reserved = 0b10;
    private const byte Dictionary = 1;

    /// <summary>Bytes of a header by its first one, the flags.</summary>
    public static int LengthOf(byte flags) => 3 + ((flags & Size) != 0 ? 8 : 0) + ((flags & Dictionary) != 0 ? 4 : 0);

    /// <summary>Reads a header.</summary>
    /// <param name="bytes">As many as <see cref="LengthOf"/> says.</param>
    /// <exception cref="InvalidDataException">It is altered, or of another version than the one that there is.</exception>
    public static Lz4FrameHeader Parse(ReadOnlySpan<byte> bytes)
    {
        byte flags = bytes[0];
        byte block = bytes[1];
        if (bytes[^1] != (byte)(XXH32.DigestOf(bytes[..^1]) >> 8))
        {
            throw new InvalidDataException("The checksum of the LZ4 frame's header does not match.");
        }

        int sizeCode = block >> 4;
        if (flags >> 6 != 1 || (flags & Reserved) != 0 || sizeCode is < 4 or > 7 || (block & 0xF) != 0)
        {
            throw new InvalidDataException($"The LZ4 frame's header has the flags {flags:X2} and {block:X2}, which no known version of the format has.");
        }

        // A dictionary's number says which one the writer had. A frame that needs it fails at the first match that leads into it.
        ulong size = (flags & Size) != 0 ? BinaryPrimitives.ReadUInt64LittleEndian(bytes[2..]) : 0;
        return new Lz4FrameHeader(
            1 << (8 + (2 * sizeCode)), // 64 kB, 256 kB, 1 MB, 4 MB
            (flags & Linked) == 0, (flags & BlockChecksums) != 0, (flags & ContentChecksum) != 0, size > 0 ? size : null);
    }
}
