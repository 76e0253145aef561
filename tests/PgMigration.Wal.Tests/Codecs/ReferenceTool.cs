using System.Diagnostics;

namespace PgMigration.Wal;

/// <summary>The reference tool of a format as the judge: what it decodes must be decoded to the same bytes, and what it refuses must be refused.</summary>
internal static class ReferenceTool
{
    /// <summary>What the tool makes of some bytes; null when it refuses them.</summary>
    /// <param name="tool">A command that decodes its input to its output.</param>
    /// <param name="encoded">Its input.</param>
    /// <param name="accepted">Its exit codes that mean success.</param>
    public static async Task<byte[]?> DecodeAsync(string tool, byte[] encoded, params int[] accepted)
    {
        string[] words = tool.Split(' ');
        var start = new ProcessStartInfo(words[0], words[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var output = Some.AllAsync(process.StandardOutput.BaseStream);
        var messages = process.StandardError.ReadToEndAsync();
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(encoded);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // it refused before it had read all
        }

        await process.WaitForExitAsync();
        _ = await messages;
        byte[] decoded = await output;
        return process.ExitCode == 0 || accepted.Contains(process.ExitCode) ? decoded : null;
    }

    /// <summary>Asserts that a codec and the tool agree on every input: both refuse it, or both decode it to the same bytes.</summary>
    public static async Task AssertAgreesAsync(ICodec codec, string tool, IEnumerable<MadeStream> inputs, params int[] accepted)
    {
        var differences = new List<string>();
        var options = new ParallelOptions { MaxDegreeOfParallelism = Math.Max(2, Environment.ProcessorCount) };
        int agreed = 0;
        int decoded = 0;
        await Parallel.ForEachAsync(inputs, options, async (input, _) =>
        {
            byte[]? expected = await DecodeAsync(tool, input.Bytes, accepted);
            var (actual, error) = await OwnAsync(codec, input);
            bool same = expected is null ? actual is null : actual is not null && expected.AsSpan().SequenceEqual(actual);
            if (same)
            {
                Interlocked.Increment(ref agreed);
                Interlocked.Add(ref decoded, expected is null ? 0 : 1);
                return;
            }

            lock (differences)
            {
                differences.Add($"{input.Name} ({input.Bytes.Length} bytes, {Convert.ToHexString(input.Bytes.AsSpan(0, Math.Min(48, input.Bytes.Length)))}…): "
                    + $"the tool {(expected is null ? "refuses it" : $"decodes {expected.Length} bytes")}, ours {(actual is null ? $"refuses it: {error}" : $"decodes {actual.Length} bytes")}");
            }
        });

        Assert.True(differences.Count == 0, $"{differences.Count} of {differences.Count + agreed} differ:\n{string.Join('\n', differences.Take(12))}");
        Assert.NotEqual(0, decoded);
    }

    private static async Task<(byte[]? Decoded, string? Error)> OwnAsync(ICodec codec, MadeStream input)
    {
        try
        {
            return (await Some.AllAsync(codec.Decompress(new InPieces(input.Bytes, input.Piece))), null);
        }
        catch (InvalidDataException error)
        {
            return (null, error.Message);
        }
    }

    /// <summary>Gives at most so many bytes a read, as a network does.</summary>
    private sealed class InPieces(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(piece, buffer.Length)]);

        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(piece, count));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(piece, buffer.Length)], cancellationToken);
    }
}
