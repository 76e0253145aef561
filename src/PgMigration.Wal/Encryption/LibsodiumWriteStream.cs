namespace PgMigration.Wal;

/// <summary>Encrypts a secret stream; the final chunk comes when it is disposed of. It is always short, as WAL-G's reader expects, and empty after a full one.</summary>
internal sealed class LibsodiumWriteStream : WriteStream
{
    private readonly Stream _destination;
    private readonly byte[] _state = new byte[SodiumLibrary.StateSize];
    private readonly byte[] _plain = new byte[LibsodiumEncryption.ChunkSize];
    private readonly byte[] _chunk = new byte[LibsodiumEncryption.ChunkSize + SodiumLibrary.ChunkOverhead];
    private int _filled;
    private bool _ended;

    public LibsodiumWriteStream(Stream destination, byte[] key)
    {
        _destination = destination;
        byte[] header = new byte[SodiumLibrary.HeaderSize];
        SodiumLibrary.BeginPush(_state, header, key);
        destination.Write(header);
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        while (!buffer.IsEmpty)
        {
            int taken = Math.Min(buffer.Length, _plain.Length - _filled);
            buffer[..taken].CopyTo(_plain.AsSpan(_filled));
            buffer = buffer[taken..];
            _filled += taken;
            if (_filled == _plain.Length)
            {
                Push(tag: 0);
            }
        }
    }

    // Chunks go out when they are full or at the end.
    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_ended)
        {
            _ended = true;
            Push(SodiumLibrary.FinalTag);
        }

        base.Dispose(disposing);
    }

    private void Push(byte tag)
    {
        SodiumLibrary.Push(_state, _plain.AsSpan(0, _filled), _chunk, tag);
        _destination.Write(_chunk, 0, _filled + SodiumLibrary.ChunkOverhead);
        _filled = 0;
    }
}
