namespace PgMigration.Wal;

/// <summary>The bytes of a gzip stream: headers and trailers for the reader, what lies between for the decoder, which gets it in pieces.</summary>
/// <remarks>
/// DeflateStream does not tell where its data ended in the last piece that it took. There the trailer is looked for, whose eight bytes are
/// known by then. The first bytes go out one by one, so that the end of a short member is exact: the trailer of empty content is all zeros,
/// which can lie elsewhere too.
/// </remarks>
/// <param name="inner">The stored bytes; not closed.</param>
internal sealed class GzipInput(Stream inner) : ReadStream
{
    private const int OneByOne = 32;
    private const int PieceSize = 8 * 1024;

    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _piece; // where the piece that the decoder took last begins
    private int _next;
    private int _end;
    private int _left; // how many more bytes go out one by one

    /// <summary>What the decoder takes.</summary>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_next == _end)
        {
            _piece = _next;
            await FillAsync(cancellationToken);
        }

        int count = Math.Min(Math.Min(buffer.Length, _left > 0 ? 1 : PieceSize), _end - _next);
        _left = Math.Max(0, _left - 1);
        _buffer.AsSpan(_next, count).CopyTo(buffer.Span);
        _piece = _next;
        _next += count;
        return count;
    }

    /// <summary>The decoder of another member begins to take pieces.</summary>
    public void BeginMember()
    {
        _piece = _next;
        _left = OneByOne;
    }

    /// <summary>Reads bytes of a header.</summary>
    /// <exception cref="InvalidDataException">The stream ends before.</exception>
    public async ValueTask ReadHeaderAsync(Memory<byte> bytes, CancellationToken cancel)
    {
        for (int at = 0; at < bytes.Length; at++)
        {
            byte next = await PeekAsync(cancel) ?? throw new InvalidDataException("The gzip stream is cut within its header.");
            bytes.Span[at] = next;
            Pass();
        }
    }

    /// <summary>The next byte, which stays; null at the end.</summary>
    public async ValueTask<byte?> PeekAsync(CancellationToken cancel)
    {
        if (_next == _end)
        {
            _piece = _next;
            await FillAsync(cancel);
        }

        return _next < _end ? _buffer[_next] : null;
    }

    /// <summary>Goes past the byte that was looked at.</summary>
    public void Pass() => _next++;

    /// <summary>Goes past a trailer that begins within the last piece or right after it; false when there is none.</summary>
    public async ValueTask<bool> TryPassTrailerAsync(byte[] trailer, CancellationToken cancel)
    {
        while (_end - _next < trailer.Length && await FillAsync(cancel))
        {
        }

        int earliest = Math.Min(_piece + 1, _next); // the decoder needed the first byte of the piece
        int found = _buffer.AsSpan(earliest, Math.Min(_end, _next + trailer.Length) - earliest).IndexOf(trailer);
        _next = found < 0 ? _next : earliest + found + trailer.Length;
        return found >= 0;
    }

    // What lies before the last piece is not needed any more.
    private async ValueTask<bool> FillAsync(CancellationToken cancel)
    {
        _buffer.AsSpan(_piece, _end - _piece).CopyTo(_buffer);
        (_next, _end, _piece) = (_next - _piece, _end - _piece, 0);
        int read = await inner.ReadAsync(_buffer.AsMemory(_end), cancel);
        _end += read;
        return read > 0;
    }
}
