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

    /// <summary>A segment full of true records over true pages; the last record goes on behind its end.</summary>
    public static byte[] WithRecords(string name, int seed = 1)
    {
        var segment = WalSegmentName.Parse(name);
        var random = new Random(seed);
        byte[] bytes = new byte[Size];
        byte[] record = [];
        int written = 0;
        for (int page = 0; page < Size; page += 8192)
        {
            var header = bytes.AsSpan(page);
            int at = page + (page == 0 ? WalPageHeader.Size : 24);
            BinaryPrimitives.WriteUInt16LittleEndian(header, 0xD110);
            BinaryPrimitives.WriteUInt16LittleEndian(header[2..], (ushort)((page == 0 ? 2 : 0) + (written < record.Length ? 1 : 0)));
            BinaryPrimitives.WriteUInt32LittleEndian(header[4..], segment.Timeline);
            BinaryPrimitives.WriteUInt64LittleEndian(header[8..], (segment.Start(Size) + page).Position);
            BinaryPrimitives.WriteUInt32LittleEndian(header[16..], (uint)(record.Length - written));
            while (at < page + 8192)
            {
                if (written == record.Length)
                {
                    (record, written) = (Record(random), 0);
                }

                int count = Math.Min(record.Length - written, page + 8192 - at);
                record.AsSpan(written, count).CopyTo(bytes.AsSpan(at));
                written += count;
                at = (at + count + 7) & ~7;
            }
        }

        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24), Cluster);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(32), Size);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(36), 8192);
        return bytes;
    }

    public static byte[] Record(Random random)
    {
        byte[] record = new byte[24 + random.Next(random.Next(8) == 0 ? 30_000 : 300)];
        random.NextBytes(record.AsSpan(4));
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)record.Length);
        record[17] = 10; // a resource manager that switches no segments
        uint checksum = ~SegmentChecksum.Append(SegmentChecksum.Append(~0u, record.AsSpan(24)), record.AsSpan(0, 20));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(20), checksum);
        return record;
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
