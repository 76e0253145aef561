using System.IO.Pipelines;

namespace PgMigration.Wal;

/// <summary>Stores an object while it is being made: what is written goes through the codec, the encryption and to the storage, in bounded memory.</summary>
internal static class StreamedWrite
{
    // The encoder runs ahead of the storage by so much at most.
    private static readonly PipeOptions Buffering = new(pauseWriterThreshold: 8 << 20, resumeWriterThreshold: 4 << 20, minimumSegmentSize: 64 << 10, useSynchronizationContext: false);

    /// <summary>Runs <paramref name="write"/>, and stores what it writes under the codec's name for <paramref name="bareName"/>.</summary>
    /// <returns>The stored bytes.</returns>
    public static async Task<long> WriteEncodedAsync(this IArchiveStorage storage, string bareName, ICodec codec, Func<Stream, CancellationToken, Task> write, CancellationToken cancel)
    {
        var pipe = new Pipe(Buffering);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var making = Task.Run(() => MakeAsync(pipe.Writer, storage.Encryption, codec, write, stop.Token), CancellationToken.None);
        var content = new CountingStream(pipe.Reader.AsStream());
        try
        {
            await storage.WriteAsync(codec.NameFor(bareName), content, cancel);
        }
        finally
        {
            await stop.CancelAsync();
            await pipe.Reader.CompleteAsync(); // a maker that waits for room goes on, and ends
            await making;
        }

        return content.Count;
    }

    // An error of the maker reaches the storage as an error of the stream it reads: so nothing half is stored.
    private static async Task MakeAsync(PipeWriter writer, IEncryption encryption, ICodec codec, Func<Stream, CancellationToken, Task> write, CancellationToken cancel)
    {
        try
        {
            await using (var encrypting = encryption.Encrypt(writer.AsStream(leaveOpen: true)))
            await using (var encoder = codec.Compress(encrypting))
            {
                await write(encoder, cancel);
            }

            await writer.CompleteAsync();
        }
        catch (Exception error)
        {
            await writer.CompleteAsync(error);
        }
    }

    private sealed class CountingStream(Stream inner) : ReadStream
    {
        public long Count { get; private set; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await inner.ReadAsync(buffer, cancellationToken);
            Count += read;
            return read;
        }
    }
}
