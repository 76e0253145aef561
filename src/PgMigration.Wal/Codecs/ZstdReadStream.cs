namespace PgMigration.Wal;

/// <summary>Reads Zstandard frames up to the end of the stream; every frame must be whole, and there must be one at least.</summary>
internal sealed class ZstdReadStream(Stream compressed, bool native) : ReadStream, IChecksummed
{
    // The magic number FD2FB528, then the frame's descriptor, of which bit 2 is Content_Checksum_flag (RFC 8878, 3.1.1).
    private readonly byte[] _head = new byte[5];
    private readonly byte[] _input = new byte[128 * 1024];
    private nint _decoder;
    private int _next;
    private int _end;
    private int _headSeen;
    private bool _seenFrame;
    private bool _seenUnchecked;
    private bool _inFrame;
    private bool _disposed;

    public bool HasChecksum => !_seenUnchecked;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        while (!buffer.IsEmpty)
        {
            int written = Decode(buffer.Span, out bool wantsInput);
            if (written > 0)
            {
                return written;
            }

            if (wantsInput && !await FillAsync(cancellationToken))
            {
                return 0;
            }
        }

        return 0;
    }

    private int Decode(Span<byte> output, out bool wantsInput)
    {
        if (_decoder == 0 && (_decoder = ZstdLibrary.Create(native)) == 0)
        {
            throw new InsufficientMemoryException();
        }

        wantsInput = false;
        if (_next == _end && !_inFrame)
        {
            wantsInput = true;
            return 0;
        }

        nuint result = ZstdLibrary.Decompress(native, _decoder, _input.AsSpan(_next, _end - _next), output, out int consumed, out int written);
        NoteHead(_input.AsSpan(_next, consumed));
        _next += consumed;
        if (ZstdLibrary.ErrorName(result) is { } wrong)
        {
            throw new InvalidDataException(wrong.Contains("too much memory", StringComparison.Ordinal)
                ? $"The Zstandard frame was written with a window of more than 128 MB (zstd --long=28 or more). Expected what 'zstd -t' reads without options: compress it again with --long=27 or less."
                : $"The Zstandard frame cannot be decoded ({wrong}): its bytes were altered, or it is encrypted.");
        }

        _inFrame = result != 0;
        _headSeen = _inFrame ? _headSeen : 0;
        wantsInput = written == 0 && _next == _end;
        return written;
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancel)
    {
        int read = await compressed.ReadAsync(_input, cancel);
        (_next, _end) = (0, read);
        return read > 0
            || (_inFrame ? throw new InvalidDataException("The Zstandard frame is cut: it ends before its last block.")
            : !_seenFrame ? throw new InvalidDataException("The object is empty; expected a Zstandard frame.")
            : false);
    }

    // Any frame counts as one that was seen, also one that is skipped.
    private void NoteHead(ReadOnlySpan<byte> consumed)
    {
        if (_headSeen == _head.Length)
        {
            return;
        }

        int count = Math.Min(_head.Length - _headSeen, consumed.Length);
        consumed[..count].CopyTo(_head.AsSpan(_headSeen));
        _headSeen += count;
        if (_headSeen == _head.Length)
        {
            _seenFrame = true;
            _seenUnchecked |= _head is [0x28, 0xB5, 0x2F, 0xFD, var descriptor] && (descriptor & 4) == 0;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (!_disposed)
        {
            _disposed = true;
            if (_decoder != 0)
            {
                ZstdLibrary.Free(native, _decoder);
            }

            if (disposing)
            {
                compressed.Dispose();
            }
        }

        base.Dispose(disposing);
    }
}
