namespace PgMigration.Wal;

/// <summary>The checksum of zlib and lzop. Source: RFC 1950, section 9.</summary>
internal static class Adler32
{
    private const uint Modulus = 65521;
    private const int Run = 5552; // the longest for which the sums stay below 2^32

    /// <summary>The checksum of some bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint low = 1;
        uint high = 0;
        while (!bytes.IsEmpty)
        {
            int count = Math.Min(Run, bytes.Length);
            foreach (byte next in bytes[..count])
            {
                low += next;
                high += low;
            }

            low %= Modulus;
            high %= Modulus;
            bytes = bytes[count..];
        }

        return (high << 16) | low;
    }
}
