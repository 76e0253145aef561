using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace PgMigration.Wal;

/// <summary>The checksum of a data page, as PostgreSQL computes it.</summary>
/// <remarks>Source: pg_checksum_page and pg_checksum_block in src/include/storage/checksum_impl.h: 32 sums of FNV-1a, modified, over the columns of the page.</remarks>
internal static class PageChecksum
{
    /// <summary>Bytes of a page.</summary>
    public const int PageSize = 8192;

    private const int Sums = 32;
    private const int ChecksumOffset = 8; // pd_checksum
    private const int UpperOffset = 14; // pd_upper: 0 in a page that was never initialized
    private const uint Prime = 16777619;

    private static readonly uint[] BaseOffsets =
    [
        0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
        0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
        0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
        0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756,
    ];

    /// <summary>Whether a page was never initialized: then it has no checksum.</summary>
    public static bool IsNew(ReadOnlySpan<byte> page) => BinaryPrimitives.ReadUInt16LittleEndian(page[UpperOffset..]) == 0;

    /// <summary>The checksum that the page carries.</summary>
    public static ushort Carried(ReadOnlySpan<byte> page) => BinaryPrimitives.ReadUInt16LittleEndian(page[ChecksumOffset..]);

    /// <summary>The position of the last change.</summary>
    public static Lsn LastChange(ReadOnlySpan<byte> page) =>
        new(((ulong)BinaryPrimitives.ReadUInt32LittleEndian(page) << 32) | BinaryPrimitives.ReadUInt32LittleEndian(page[4..]));

    /// <summary>The checksum that the page should carry; never 0.</summary>
    /// <param name="page">The page.</param>
    /// <param name="block">Its number within the relation, over all of its files.</param>
    public static ushort Compute(ReadOnlySpan<byte> page, uint block)
    {
        var words = MemoryMarshal.Cast<byte, uint>(page);
        Span<Vector256<uint>> sums = stackalloc Vector256<uint>[4];
        for (int i = 0; i < 4; i++)
        {
            sums[i] = Vector256.Create(BaseOffsets, 8 * i);
        }

        // the first row without the checksum itself
        Span<uint> first = stackalloc uint[Sums];
        words[..Sums].CopyTo(first);
        first[ChecksumOffset / sizeof(uint)] &= 0xFFFF_0000;
        Add(sums, first);
        for (int row = 1; row < PageSize / (Sums * sizeof(uint)); row++)
        {
            Add(sums, words.Slice(row * Sums, Sums));
        }

        Span<uint> zeros = stackalloc uint[Sums];
        zeros.Clear();
        Add(sums, zeros);
        Add(sums, zeros);

        var all = sums[0] ^ sums[1] ^ sums[2] ^ sums[3];
        uint result = block;
        for (int i = 0; i < 8; i++)
        {
            result ^= all[i];
        }

        return (ushort)((result % 65535) + 1);
    }

    private static void Add(Span<Vector256<uint>> sums, ReadOnlySpan<uint> row)
    {
        for (int i = 0; i < 4; i++)
        {
            var mixed = sums[i] ^ Vector256.Create(row.Slice(8 * i, 8));
            sums[i] = (mixed * Prime) ^ (mixed >>> 17);
        }
    }
}
