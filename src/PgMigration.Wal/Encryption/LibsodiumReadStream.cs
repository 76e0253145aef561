namespace PgMigration.Wal;

/// <summary>Decrypts a secret stream; every chunk is proven before a byte of it is handed out, and without the final one the stream is cut.</summary>
internal sealed class LibsodiumReadStream(Stream encrypted, byte[] key, string keyName) : ReadStream
{
    private const int StoredChunk = LibsodiumEncryption.ChunkSize + SodiumLibrary.ChunkOverhead;
    private const int ChunksAtOnce = 16;

    private readonly byte[] _state = new byte[SodiumLibrary.StateSize];
    private readonly byte[] _input = new byte[ChunksAtOnce * StoredChunk];
    private readonly byte[] _plain = new byte[ChunksAtOnce * LibsodiumEncryption.ChunkSize];
    private int _next;
    private int _end;
    private bool _started;
    private bool _proven;
    private bool _final;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!_started)
        {
            await ReadHeaderAsync(cancellationToken);
            _started = true;
        }

        while (_next == _end && !_final && !buffer.IsEmpty)
        {
            await ReadChunksAsync(cancellationToken);
        }

        int count = Math.Min(buffer.Length, _end - _next);
        _plain.AsSpan(_next, count).CopyTo(buffer.Span);
        _next += count;
        return count;
    }

    private async ValueTask ReadHeaderAsync(CancellationToken cancel)
    {
        byte[] header = new byte[SodiumLibrary.HeaderSize];
        if (await encrypted.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, cancel) < header.Length)
        {
            throw new InvalidDataException("The encrypted stream is cut within its header.");
        }

        if (!SodiumLibrary.TryBeginPull(_state, header, key))
        {
            throw new InvalidDataException("The header of the encrypted stream is not valid.");
        }
    }

    private async ValueTask ReadChunksAsync(CancellationToken cancel)
    {
        int read = await encrypted.ReadAtLeastAsync(_input, _input.Length, throwOnEndOfStream: false, cancel);
        Decrypt(read);
        if (_final && read == _input.Length && await encrypted.ReadAsync(_input, cancel) > 0)
        {
            throw new InvalidDataException("Data follows the end of the encrypted stream.");
        }
    }

    private void Decrypt(int read)
    {
        (_next, _end) = (0, 0);
        for (int from = 0; from < read; from += StoredChunk)
        {
            if (_final)
            {
                throw new InvalidDataException("Data follows the end of the encrypted stream.");
            }

            var chunk = _input.AsSpan(from, Math.Min(StoredChunk, read - from));
            if (chunk.Length < SodiumLibrary.ChunkOverhead)
            {
                throw Cut();
            }

            if (!SodiumLibrary.TryPull(_state, chunk, _plain.AsSpan(_end), out int length, out byte tag))
            {
                throw _proven
                    ? new InvalidDataException("The encrypted stream was cut or altered: a chunk of it is not authentic.")
                    : new KeyMismatchException($"its first bytes are not authentic. It was encrypted with another key than {keyName}, or in another way, or it was altered.");
            }

            _proven = true;
            _final = tag == SodiumLibrary.FinalTag;
            _end += length;
        }

        if (read < _input.Length && !_final)
        {
            throw Cut();
        }
    }

    private static InvalidDataException Cut() => new("The encrypted stream is cut: it ends before its final chunk.");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            encrypted.Dispose();
        }

        base.Dispose(disposing);
    }
}
