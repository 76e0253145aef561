namespace PgMigration.Wal;

/// <summary>The pieces of a stream, read by whoever asks for them.</summary>
/// <param name="stream">The stream; it is not closed.</param>
internal sealed class StreamPieces(Stream stream) : IPieces
{
    private readonly byte[] _buffer = new byte[1 << 17];

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> Next() => _buffer.AsMemory(0, stream.Read(_buffer));
}
