using System.Buffers.Binary;

namespace PgMigration.Wal;

/// <summary>A segment made in code: a true first header, then bytes that compress as WAL does.</summary>
internal static class MadeSegment
{
    public const ulong Cluster = 7_300_000_000_000_000_001;
    public const int Size = 1 << 20;

    public static SegmentCheck Check { get; } = new(Cluster, Size, 15);

    public static byte[] Bytes(string name, uint? timeline = null, ushort magic = 0xD110, ulong cluster = Cluster, int size = Size)
    {
        var segment = WalSegmentName.Parse(name);
        byte[] bytes = Some.Bytes(size, seed: (int)segment.Segment);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, magic);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2), 2);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), timeline ?? segment.Timeline);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), segment.Start(size).Position);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24), cluster);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(32), (uint)size);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(36), 8192);
        return bytes;
    }

    public static async Task StoreAsync(IArchiveStorage storage, string objectName, byte[] content)
    {
        var encoded = new MemoryStream();
        await using (var encoder = Codec.ForName(objectName).Compress(encoded))
        {
            encoder.Write(content);
        }

        encoded.Position = 0;
        await storage.WriteAsync("wal_005/" + objectName, encoded);
    }
}
