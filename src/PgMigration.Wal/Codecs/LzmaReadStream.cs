namespace PgMigration.Wal;

/// <summary>Reads .lzma with or without its length and its end mark, and .xz under the same name, by the system's liblzma.</summary>
/// <remarks>Accepts what <c>lzma -t</c> and <c>xz -t</c> accept, up to a dictionary of 128 MB.</remarks>
internal sealed class LzmaReadStream(Stream compressed) : ReadStream
{
    private readonly byte[] _input = new byte[64 * 1024];
    private nint _decoder;
    private int _next;
    private int _end;
    private bool _isXz;
    private bool _inputEnded;
    private bool _ended;


    private static ReadOnlySpan<byte> XzMagic => [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0];

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_decoder == 0 && !_ended)
        {
            await OpenAsync(cancellationToken);
        }

        while (!_ended && !buffer.IsEmpty)
        {
            int written = Decode(buffer.Span);
            if (_ended)
            {
                await RequireEndAsync(cancellationToken);
            }

            if (written > 0)
            {
                return written;
            }

            if (!_ended && _next == _end && !_inputEnded)
            {
                int read = await compressed.ReadAsync(_input, cancellationToken);
                (_next, _end) = (0, read);
                _inputEnded = read == 0;
            }
        }

        return 0;
    }

    private async ValueTask OpenAsync(CancellationToken cancel)
    {
        _end = await compressed.ReadAtLeastAsync(_input, XzMagic.Length, throwOnEndOfStream: false, cancel);
        _isXz = _input.AsSpan(0, _end).StartsWith(XzMagic);
        _decoder = LzmaLibrary.Create(_isXz);
    }

    private int Decode(Span<byte> output)
    {
        var result = LzmaLibrary.Decompress(_decoder, _input.AsSpan(_next, _end - _next), _inputEnded, output, out int consumed, out int written);
        _next += consumed;
        switch (result)
        {
            case LzmaResult.Ok:
                break;
            case LzmaResult.StreamEnd:
                _ended = true;
                break;
            case LzmaResult.Buffer when !_inputEnded:
                break; // it wants the next bytes
            case LzmaResult.Buffer:
                throw new InvalidDataException("The LZMA stream is cut: it ends before its end mark.");
            case LzmaResult.MemoryLimit:
                throw new InvalidDataException("The LZMA stream wants a dictionary of more than 128 MB. Compress the object again with a smaller one.");
            case LzmaResult.Memory:
                throw new InsufficientMemoryException();
            default:
                throw new InvalidDataException($"The LZMA stream cannot be decoded ({result}): its bytes were altered, or it is encrypted.");
        }

        return written;
    }

    private async ValueTask RequireEndAsync(CancellationToken cancel)
    {
        if (_next < _end || (!_inputEnded && await compressed.ReadAsync(_input, cancel) > 0))
        {
            throw new InvalidDataException("Data follows the end of the LZMA stream.");
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (_decoder != 0)
        {
            LzmaLibrary.Free(_decoder);
            _decoder = 0;
            _ended = true;
        }

        if (disposing)
        {
            compressed.Dispose();
        }

        base.Dispose(disposing);
    }
}
