namespace PgMigration.Wal;

/// <summary>Reads small objects whole: what comes from an archive may be of any length, or expand to any.</summary>
internal static class LimitedRead
{
    /// <summary>Reads a stream to its end.</summary>
    /// <param name="stream">The decoded object.</param>
    /// <param name="limit">So many bytes at most.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="InvalidDataException">It is longer.</exception>
    public static async Task<byte[]> AllAsync(Stream stream, int limit, CancellationToken cancel)
    {
        var content = new MemoryStream();
        byte[] buffer = new byte[16 * 1024];
        for (int read; (read = await stream.ReadAsync(buffer, cancel)) > 0;)
        {
            content.Write(buffer, 0, read);
            if (content.Length > limit)
            {
                throw new InvalidDataException($"it is longer than {limit} bytes");
            }
        }

        return content.ToArray();
    }
}
