using System.Buffers.Binary;

namespace PgMigration.Wal;

/// <summary>The long header of a segment's first page.</summary>
/// <remarks>Source: XLogLongPageHeaderData in PostgreSQL's src/include/access/xlog_internal.h. Little-endian, as on x86 and ARM.</remarks>
/// <param name="Magic">Tells the major version.</param>
/// <param name="Info">Flags.</param>
/// <param name="Timeline">The timeline of the first record on the page.</param>
/// <param name="Address">The position of the page.</param>
/// <param name="SystemIdentifier">The cluster that wrote it.</param>
/// <param name="SegmentSize">The cluster's segment size in bytes.</param>
public readonly record struct WalPageHeader(ushort Magic, ushort Info, uint Timeline, Lsn Address, ulong SystemIdentifier, uint SegmentSize)
{
    /// <summary>Bytes of a long header.</summary>
    public const int Size = 40;

    /// <summary>Whether the header is the long form that a segment's first page must have (XLP_LONG_HEADER).</summary>
    public bool IsLong => (Info & 2) != 0;

    /// <summary>Reads the beginning of a segment.</summary>
    /// <param name="page">At least <see cref="Size"/> bytes.</param>
    public static WalPageHeader Read(ReadOnlySpan<byte> page) => new(
        BinaryPrimitives.ReadUInt16LittleEndian(page),
        BinaryPrimitives.ReadUInt16LittleEndian(page[2..]),
        BinaryPrimitives.ReadUInt32LittleEndian(page[4..]),
        new Lsn(BinaryPrimitives.ReadUInt64LittleEndian(page[8..])), // then 4 bytes of xlp_rem_len and 4 of padding
        BinaryPrimitives.ReadUInt64LittleEndian(page[24..]),
        BinaryPrimitives.ReadUInt32LittleEndian(page[32..]));
}
