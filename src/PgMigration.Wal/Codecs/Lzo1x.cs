namespace PgMigration.Wal;

/// <summary>Decodes one LZO1X block.</summary>
/// <remarks>
/// Every length and distance is checked against both spans before it is used: a hostile block is an error, never a read or write elsewhere.
/// Format: "LZO stream format as understood by Linux's LZO decompressor", Documentation/staging/lzo.rst of the Linux kernel.
/// </remarks>
internal static class Lzo1x
{
    private const int LongDistance = 16384;

    /// <summary>Fills <paramref name="output"/> from the whole of <paramref name="input"/>.</summary>
    /// <returns>False when the block does not decode to exactly that many bytes.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> input, Span<byte> output)
    {
        int from = 0;
        int to = 0;
        int state = 0; // literals copied by the instruction before: 1 to 3, 4 for more
        if (input.Length > 0 && input[0] > 17)
        {
            int first = input[from++] - 17;
            if (!Literals(input, ref from, output, ref to, first))
            {
                return false;
            }

            state = Math.Min(first, 4);
        }

        while (from < input.Length)
        {
            int code = input[from++];
            int length;
            int distance;
            int literals;
            if (code < 16 && state == 0)
            {
                if (!TryLength(input, ref from, code, 15, out length) || !Literals(input, ref from, output, ref to, length + 3))
                {
                    return false;
                }

                state = 4;
                continue;
            }

            if (code is >= 16 and < 64)
            {
                bool far = code < 32;
                if (!TryLength(input, ref from, far ? code & 7 : code & 31, far ? 7 : 31, out length) || from + 2 > input.Length)
                {
                    return false;
                }

                int pair = input[from] | (input[from + 1] << 8);
                from += 2;
                length += 2;
                distance = far ? LongDistance + ((code & 8) << 11) + (pair >> 2) : (pair >> 2) + 1;
                literals = pair & 3;
                if (far && distance == LongDistance)
                {
                    return from == input.Length && to == output.Length; // the end mark
                }
            }
            else if (from == input.Length)
            {
                return false;
            }
            else
            {
                int high = input[from++];
                literals = code & 3;
                (length, distance) = code switch
                {
                    >= 128 => (5 + ((code >> 5) & 3), (high << 3) + ((code >> 2) & 7) + 1),
                    >= 64 => (3 + ((code >> 5) & 1), (high << 3) + ((code >> 2) & 7) + 1),
                    _ when state == 4 => (3, (high << 2) + (code >> 2) + 2049),
                    _ => (2, (high << 2) + (code >> 2) + 1),
                };
            }

            if (!Match(output, ref to, distance, length) || !Literals(input, ref from, output, ref to, literals))
            {
                return false;
            }

            state = literals;
        }

        return false; // without an end mark
    }

    // A length of zero is continued: each zero byte is 255 more, the first other byte is added.
    private static bool TryLength(ReadOnlySpan<byte> input, ref int from, int bits, int extra, out int length)
    {
        length = bits;
        if (bits != 0)
        {
            return true;
        }

        int zeros = input[from..].IndexOfAnyExcept((byte)0);
        if (zeros is < 0 or > 1 << 22) // longer than any block
        {
            return false;
        }

        length = extra + (zeros * 255) + input[from + zeros];
        from += zeros + 1;
        return true;
    }

    private static bool Literals(ReadOnlySpan<byte> input, ref int from, Span<byte> output, ref int to, int count)
    {
        if (count > input.Length - from || count > output.Length - to)
        {
            return false;
        }

        input.Slice(from, count).CopyTo(output[to..]);
        from += count;
        to += count;
        return true;
    }

    private static bool Match(Span<byte> output, ref int to, int distance, int length)
    {
        if (distance > to || length > output.Length - to)
        {
            return false;
        }

        int end = to + length;
        while (to < end)
        {
            // what overlaps is copied in pieces that do not: each doubles what is there
            int piece = Math.Min(distance, end - to);
            output.Slice(to - distance, piece).CopyTo(output[to..]);
            to += piece;
            distance += piece;
        }

        return true;
    }
}
