namespace PgMigration.Wal;

/// <summary>The CRC-32 of gzip and zip (reflected 0xEDB88320), eight bytes at a time.</summary>
/// <remarks>Method: "slicing by 8", M. Kounavis and F. Berry, 2005.</remarks>
internal sealed class Crc32
{
    private static readonly uint[] Table = MakeTable();
    private uint _state = ~0u;

    /// <summary>The checksum of everything so far.</summary>
    public uint Value => ~_state;

    /// <summary>The checksum of some bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var crc = new Crc32();
        crc.Update(bytes);
        return crc.Value;
    }

    /// <summary>Takes in more bytes.</summary>
    public void Update(ReadOnlySpan<byte> bytes)
    {
        uint crc = _state;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            uint low = crc ^ System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            uint high = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            crc = Table[(7 * 256) + (byte)low] ^ Table[(6 * 256) + (byte)(low >> 8)] ^ Table[(5 * 256) + (byte)(low >> 16)] ^ Table[(4 * 256) + (int)(low >> 24)]
                ^ Table[(3 * 256) + (byte)high] ^ Table[(2 * 256) + (byte)(high >> 8)] ^ Table[256 + (byte)(high >> 16)] ^ Table[high >> 24];
        }

        foreach (byte next in bytes)
        {
            crc = Table[(byte)(crc ^ next)] ^ (crc >> 8);
        }

        _state = crc;
    }

    private static uint[] MakeTable()
    {
        uint[] table = new uint[8 * 256];
        for (uint i = 0; i < table.Length; i++)
        {
            uint crc = i < 256 ? i : table[i - 256];
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1;
            }

            table[i] = crc;
        }

        return table;
    }
}
