namespace PgMigration.Wal;

/// <summary>Reads what lzop writes, up to the end of the stream.</summary>
/// <remarks>
/// Accepts what <c>lzop -t</c> accepts: every LZO1X method, checksum, filter and header field, and zeros after the last part. Several parts
/// are read as one content, as <c>lzop -dc</c> does with a warning.
/// </remarks>
internal sealed class LzopReadStream(Stream compressed) : ReadStream, IChecksummed
{
    // lzop writes blocks of 256 kB; its format allows 64 MB.
    private const int LargestBlock = 64 << 20;

    private readonly BufferedStream _input = new(compressed, 64 * 1024);
    private LzopHeader _header = null!;
    private byte[] _block = [];
    private byte[] _encoded = [];
    private int _next;
    private int _end;
    private bool _inPart;
    private bool _seenPart;
    private bool _seenUnchecked;
    private bool _ended;

    /// <inheritdoc/>
    public bool HasChecksum => !_seenUnchecked;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_next == _end && !_ended && !buffer.IsEmpty)
        {
            if (_inPart)
            {
                await ReadBlockAsync(cancellationToken);
            }
            else
            {
                await ReadPartAsync(cancellationToken);
            }
        }

        int count = Math.Min(buffer.Length, _end - _next);
        _block.AsSpan(_next, count).CopyTo(buffer.Span);
        _next += count;
        return count;
    }

    private async ValueTask ReadPartAsync(CancellationToken cancel)
    {
        if (await LzopHeader.ReadAsync(_input, isFirst: !_seenPart, cancel) is not { } header)
        {
            _ended = true;
            return;
        }

        _header = header;
        _inPart = _seenPart = true;
        _seenUnchecked |= !header.Has(LzopHeader.AdlerOfContent | LzopHeader.CrcOfContent);
    }

    private async ValueTask ReadBlockAsync(CancellationToken cancel)
    {
        int length = await LzopHeader.WordAsync(_input, cancel);
        if (length == 0)
        {
            _inPart = false;
            return;
        }

        int stored = await LzopHeader.WordAsync(_input, cancel);
        if (length is < 0 or > LargestBlock || stored <= 0 || stored > length)
        {
            throw new InvalidDataException("A block states a length that lzop does not write.");
        }

        bool compressedBlock = stored < length;
        uint adlerOfContent = _header.Has(LzopHeader.AdlerOfContent) ? (uint)await LzopHeader.WordAsync(_input, cancel) : 0;
        uint crcOfContent = _header.Has(LzopHeader.CrcOfContent) ? (uint)await LzopHeader.WordAsync(_input, cancel) : 0;
        uint adlerOfBlock = compressedBlock && _header.Has(LzopHeader.AdlerOfBlock) ? (uint)await LzopHeader.WordAsync(_input, cancel) : 0;
        uint crcOfBlock = compressedBlock && _header.Has(LzopHeader.CrcOfBlock) ? (uint)await LzopHeader.WordAsync(_input, cancel) : 0;
        Grow(ref _block, length);
        if (compressedBlock)
        {
            Grow(ref _encoded, stored);
            await LzopHeader.ExactlyAsync(_input, _encoded.AsMemory(0, stored), cancel);
            Verify(LzopHeader.AdlerOfBlock, adlerOfBlock, LzopHeader.CrcOfBlock, crcOfBlock, _encoded.AsSpan(0, stored));
            if (!Lzo1x.TryDecode(_encoded.AsSpan(0, stored), _block.AsSpan(0, length)))
            {
                throw new InvalidDataException("A block does not decode to the length that it states: it was altered.");
            }
        }
        else
        {
            await LzopHeader.ExactlyAsync(_input, _block.AsMemory(0, length), cancel);
        }

        _header.Unfilter(_block.AsSpan(0, length));
        Verify(LzopHeader.AdlerOfContent, adlerOfContent, LzopHeader.CrcOfContent, crcOfContent, _block.AsSpan(0, length));
        (_next, _end) = (0, length);
    }

    private void Verify(uint adlerFlag, uint adler, uint crcFlag, uint crc, ReadOnlySpan<byte> bytes)
    {
        if (_header.Has(adlerFlag))
        {
            LzopHeader.Require(adler, Adler32.Of(bytes));
        }

        if (_header.Has(crcFlag))
        {
            LzopHeader.Require(crc, Crc32.Of(bytes));
        }
    }

    private static void Grow(ref byte[] buffer, int length)
    {
        if (buffer.Length < length)
        {
            buffer = GC.AllocateUninitializedArray<byte>(length);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _input.Dispose();
        }

        base.Dispose(disposing);
    }
}
