namespace PgMigration.Wal;

/// <summary>Bytes to test with: the same for the same seed, and compressible about as WAL is.</summary>
internal static class Some
{
    public static byte[] Bytes(int length, int seed = 1)
    {
        var random = new Random(seed);
        byte[] bytes = new byte[length];
        for (int at = 0; at < length;)
        {
            int run = Math.Min(random.Next(8, 200), length - at);
            if (random.Next(3) == 0)
            {
                random.NextBytes(bytes.AsSpan(at, run));
            }
            else
            {
                bytes.AsSpan(at, run).Fill((byte)random.Next(4));
            }

            at += run;
        }

        return bytes;
    }

    /// <summary>Compares without printing megabytes.</summary>
    public static void AssertSame(byte[] expected, byte[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.Equal(expected.Length, expected.AsSpan().CommonPrefixLength(actual));
    }

    public static async Task<byte[]> AllAsync(Stream stream)
    {
        await using (stream)
        {
            var all = new MemoryStream();
            await stream.CopyToAsync(all);
            return all.ToArray();
        }
    }
}
