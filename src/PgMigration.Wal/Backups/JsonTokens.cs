using System.Text.Json;

namespace PgMigration.Wal;

/// <summary>Reads JSON token by token in bounded memory: the list of a large cluster's files exceeds a gigabyte.</summary>
internal static class JsonTokens
{
    private const int InitialBuffer = 1 << 16;

    // A token is a name or a number; one that is longer is no list of files.
    private const int LongestToken = 1 << 24;

    /// <summary>What is done with each token.</summary>
    public delegate void Take(ref Utf8JsonReader token);

    /// <summary>Reads to the end.</summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static async Task ReadAsync(Stream json, Take take, CancellationToken cancel)
    {
        byte[] buffer = new byte[InitialBuffer];
        int filled = 0;
        var state = new JsonReaderState();
        for (bool last = false; !last;)
        {
            if (filled == buffer.Length)
            {
                Array.Resize(ref buffer, filled < LongestToken ? filled * 2 : throw new JsonException("A text in it is too long."));
            }

            int read = await json.ReadAsync(buffer.AsMemory(filled), cancel);
            filled += read;
            last = read == 0;
            int used = Consume(buffer.AsSpan(0, filled), last, ref state, take);
            buffer.AsSpan(used, filled - used).CopyTo(buffer);
            filled -= used;
        }
    }

    private static int Consume(ReadOnlySpan<byte> bytes, bool last, ref JsonReaderState state, Take take)
    {
        var reader = new Utf8JsonReader(bytes, last, state);
        while (reader.Read())
        {
            take(ref reader);
        }

        state = reader.CurrentState;
        return (int)reader.BytesConsumed;
    }
}
