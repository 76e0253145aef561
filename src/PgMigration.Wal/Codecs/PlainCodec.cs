namespace PgMigration.Wal;

/// <summary>No compression. That an object is whole follows from the length that its storage knows.</summary>
internal sealed class PlainCodec : ICodec
{
    public string Extension => string.Empty;

    public Stream Decompress(Stream compressed) => compressed;

    public Stream Compress(Stream destination) => new OpenEnd(destination);

    /// <summary>Hands everything on, and leaves the destination open when it is closed itself.</summary>
    private sealed class OpenEnd(Stream destination) : WriteStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => destination.Write(buffer);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => destination.WriteAsync(buffer, cancellationToken);

        public override void Flush() => destination.Flush();
    }
}
