namespace PgMigration.Wal;

/// <summary>A number in a tar header: octal digits, or base 256 when the first bit is set (GNU, for 8 GB and more).</summary>
internal static class TarNumber
{
    /// <summary>Reads one field.</summary>
    /// <exception cref="InvalidDataException">It is neither, or negative.</exception>
    public static long Read(ReadOnlySpan<byte> field)
    {
        long value = 0;
        if ((field[0] & 0x80) != 0)
        {
            value = field[0] & 0x7F;
            foreach (byte digit in field[1..])
            {
                value = value < 1L << 54 ? (value << 8) | digit : throw Wrong();
            }

            return value;
        }

        foreach (byte digit in field.Trim(" \0"u8))
        {
            value = digit is >= (byte)'0' and <= (byte)'7' && value < 1L << 59 ? (value * 8) + digit - '0' : throw Wrong();
        }

        return value;
    }

    private static InvalidDataException Wrong() => new("a header holds a number that is none: it is altered, or no tar");
}
