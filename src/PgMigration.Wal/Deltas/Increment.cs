using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace PgMigration.Wal;

/// <summary>What a delta backup holds of a file that changed: its length, and which pages follow.</summary>
/// <remarks>Layout as WAL-G writes it: <c>'w' 'i' '1' 0x55</c>, file length (u64), number of pages (u32), their numbers (u32 each), all little-endian; then the pages.</remarks>
/// <param name="Length">Bytes of the whole file.</param>
/// <param name="Blocks">The numbers of the pages, in the order in which they follow.</param>
internal sealed record Increment(long Length, uint[] Blocks)
{
    /// <summary>Bytes of a page; servers that were built with another size are not supported by the writers either.</summary>
    public const int PageSize = 8192;

    private const int FixedSize = 16;

    // PostgreSQL's segments are of 1 GB; builds with larger ones exist.
    private const long LongestFile = 64L << 30;

    private static ReadOnlySpan<byte> Magic => "wi1\x55"u8;

    /// <summary>Reads the head of an entry's content; its pages follow.</summary>
    /// <exception cref="InvalidDataException">It is none, or names pages that the file does not have.</exception>
    public static Increment Read(in TarEntry entry, TarParser content)
    {
        byte[] head = new byte[FixedSize];
        ReadExactly(entry, content, head);
        if (!head.AsSpan(0, 4).SequenceEqual(Magic))
        {
            throw Wrong(entry, "does not begin as an increment");
        }

        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(head.AsSpan(4));
        uint count = BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(12));
        if (length > LongestFile || length % PageSize != 0 || count > length / PageSize)
        {
            throw Wrong(entry, $"says that the file has {length} bytes, and holds {count} pages of it");
        }

        if (entry.Length != FixedSize + ((long)count * (sizeof(uint) + PageSize)))
        {
            throw Wrong(entry, $"holds {count} pages by its own words, which does not fit its {entry.Length} bytes");
        }

        uint[] blocks = new uint[count];
        ReadExactly(entry, content, MemoryMarshal.AsBytes(blocks.AsSpan()));
        if (!BitConverter.IsLittleEndian)
        {
            BinaryPrimitives.ReverseEndianness(blocks, blocks);
        }

        foreach (uint block in blocks)
        {
            if ((ulong)block * PageSize >= length)
            {
                throw Wrong(entry, $"names page {block}, which lies beyond the file's {length} bytes");
            }
        }

        return new Increment((long)length, blocks);
    }

    private static void ReadExactly(in TarEntry entry, TarParser content, Span<byte> target)
    {
        while (!target.IsEmpty)
        {
            var piece = content.ReadContent(target.Length);
            if (piece.IsEmpty)
            {
                throw Wrong(entry, "is cut");
            }

            piece.CopyTo(target);
            target = target[piece.Length..];
        }
    }

    private static InvalidDataException Wrong(in TarEntry entry, string what) => new($"the increment of '{entry.Name}' {what}");
}
