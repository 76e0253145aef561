using System.Buffers;
using System.Buffers.Binary;
using K4os.Compression.LZ4;
using K4os.Hash.xxHash;

namespace PgMigration.Wal;

/// <summary>Reads LZ4 frames up to the end of the stream, and finds every way in which it can be cut or altered.</summary>
/// <remarks>
/// Accepts what <c>lz4 -t</c> accepts, but for an object of no bytes at all, which is an upload that was cut: frames one after the other,
/// skippable frames, the legacy frames of <c>lz4 -l</c>, and empty blocks anywhere (WAL-G ends each frame with an empty stored block).
/// </remarks>
internal sealed class Lz4ReadStream(Stream compressed) : ReadStream, IChecksummed
{
    private const int DictionarySize = 64 * 1024;

    private readonly XXH32 _checksum = new();
    private readonly byte[] _small = new byte[32];
    private byte[] _encoded = [];
    private byte[] _window = []; // with linked blocks: up to 64 kB of what was decoded before, then the block
    private int _next;
    private int _end;
    private Lz4FrameHeader _frame;
    private ulong _decodedSize;
    private uint? _nextMagic; // the magic number that ended a legacy frame
    private bool _inFrame;
    private bool _inLegacyFrame;
    private bool _seenFrame;
    private bool _seenUnchecked;
    private bool _ended;

    /// <inheritdoc/>
    public bool HasChecksum => !_seenUnchecked;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_next == _end && !_ended && !buffer.IsEmpty)
        {
            if (_inFrame)
            {
                await ReadBlockAsync(cancellationToken);
            }
            else if (_inLegacyFrame)
            {
                await ReadLegacyBlockAsync(cancellationToken);
            }
            else
            {
                await ReadFrameHeaderAsync(cancellationToken);
            }
        }

        int count = Math.Min(buffer.Length, _end - _next);
        _window.AsSpan(_next, count).CopyTo(buffer.Span);
        _next += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            compressed.Dispose();
            Return(ref _window);
            Return(ref _encoded);
            _next = _end = 0;
            _ended = true;
        }

        base.Dispose(disposing);
    }

    private async ValueTask ReadFrameHeaderAsync(CancellationToken cancel)
    {
        if ((_nextMagic ?? await TryReadWordAsync(cancel)) is not { } magic)
        {
            _ended = _seenFrame ? true : throw new InvalidDataException("The object is empty; expected an LZ4 frame.");
            return;
        }

        _nextMagic = null;
        switch (magic)
        {
            case Lz4Codec.Magic:
                await StartFrameAsync(cancel);
                break;
            case Lz4Codec.LegacyMagic:
                EnsureSize(ref _window, Lz4Codec.LegacyBlockSize);
                EnsureSize(ref _encoded, LZ4Codec.MaximumOutputSize(Lz4Codec.LegacyBlockSize));
                _inLegacyFrame = _seenUnchecked = true;
                break;
            case var _ when (magic & 0xFFFF_FFF0) == Lz4Codec.SkippableMagic:
                await SkipAsync(cancel);
                break;
            default:
                throw new InvalidDataException(_seenFrame ? "Bytes that are no LZ4 frame follow the frame." : "The object does not begin as an LZ4 frame; it may be encrypted.");
        }

        _seenFrame = true;
    }

    private async ValueTask StartFrameAsync(CancellationToken cancel)
    {
        await ReadAsync(0, 1, cancel);
        int length = Lz4FrameHeader.LengthOf(_small[0]);
        await ReadAsync(1, length - 1, cancel);
        _frame = Lz4FrameHeader.Parse(_small.AsSpan(0, length));
        EnsureSize(ref _window, _frame.BlockSize + (_frame.IsLinked ? DictionarySize : 0));
        EnsureSize(ref _encoded, _frame.BlockSize + sizeof(uint));
        _next = _end = 0;
        _decodedSize = 0;
        _checksum.Reset();
        _inFrame = true;
        _seenUnchecked |= !_frame.HasContentChecksum;
    }

    private async ValueTask ReadBlockAsync(CancellationToken cancel)
    {
        await ReadAsync(0, 4, cancel);
        uint word = BinaryPrimitives.ReadUInt32LittleEndian(_small);
        if (word == 0)
        {
            await ReadFrameEndAsync(cancel);
            return;
        }

        bool stored = (word & Lz4Codec.StoredBlock) != 0;
        uint length = word & ~Lz4Codec.StoredBlock;
        if (length > _frame.BlockSize)
        {
            throw new InvalidDataException("An LZ4 block is longer than the frame allows.");
        }

        await ReadEncodedAsync((int)length + (_frame.HasBlockChecksums ? sizeof(uint) : 0), cancel);
        Decode((int)length, stored);
    }

    private void Decode(int length, bool stored)
    {
        var encoded = _encoded.AsSpan(0, length);
        if (_frame.HasBlockChecksums && XXH32.DigestOf(encoded) != BinaryPrimitives.ReadUInt32LittleEndian(_encoded.AsSpan(length)))
        {
            throw new InvalidDataException("The checksum of an LZ4 block does not match.");
        }

        int start = 0;
        if (_frame.IsLinked)
        {
            start = Math.Min(_end, DictionarySize);
            _window.AsSpan(_end - start, start).CopyTo(_window);
        }

        var target = _window.AsSpan(start, _frame.BlockSize);
        int decoded;
        if (stored)
        {
            encoded.CopyTo(target);
            decoded = length;
        }
        else
        {
            decoded = Require(start == 0 ? LZ4Codec.Decode(encoded, target) : LZ4Codec.Decode(encoded, target, _window.AsSpan(0, start)), encoded);
        }

        if (_frame.HasContentChecksum)
        {
            _checksum.Update(target[..decoded]);
        }

        _next = start;
        _end = start + decoded;
        _decodedSize += (ulong)decoded;
    }

    private async ValueTask ReadFrameEndAsync(CancellationToken cancel)
    {
        if (_frame.HasContentChecksum)
        {
            await ReadAsync(0, 4, cancel);
            if (BinaryPrimitives.ReadUInt32LittleEndian(_small) != _checksum.Digest())
            {
                throw new InvalidDataException("The checksum of the LZ4 frame's content does not match.");
            }
        }

        if (_frame.ContentSize is { } declared && declared != _decodedSize)
        {
            throw new InvalidDataException("The LZ4 frame's content has another length than its header says.");
        }

        _inFrame = false;
    }

    // The legacy format has neither an end mark nor checksums: it goes on to the end of the stream, or to what is too long for a block.
    private async ValueTask ReadLegacyBlockAsync(CancellationToken cancel)
    {
        if (await TryReadWordAsync(cancel) is not { } length)
        {
            _ended = true;
            return;
        }

        if (length > LZ4Codec.MaximumOutputSize(Lz4Codec.LegacyBlockSize))
        {
            _nextMagic = length;
            _inLegacyFrame = false;
            return;
        }

        await ReadEncodedAsync((int)length, cancel);
        var encoded = _encoded.AsSpan(0, (int)length);
        _next = 0;
        _end = Require(LZ4Codec.Decode(encoded, _window.AsSpan(0, Lz4Codec.LegacyBlockSize)), encoded);
    }

    // The library reports a block of no content as an error. Such a block is a last sequence without literals: one byte.
    private static int Require(int decoded, ReadOnlySpan<byte> encoded) =>
        decoded > 0 ? decoded
        : encoded.Length == 1 && encoded[0] < 0x10 ? 0
        : throw new InvalidDataException("An LZ4 block cannot be decoded: its bytes were altered.");

    private async ValueTask SkipAsync(CancellationToken cancel)
    {
        await ReadAsync(0, 4, cancel);
        uint left = BinaryPrimitives.ReadUInt32LittleEndian(_small);
        byte[] waste = new byte[Math.Min(left, 64 * 1024)];
        while (left > 0)
        {
            int read = await compressed.ReadAsync(waste.AsMemory(0, (int)Math.Min(left, (uint)waste.Length)), cancel);
            left -= read > 0 ? (uint)read : throw Cut();
        }
    }

    private async ValueTask ReadEncodedAsync(int count, CancellationToken cancel)
    {
        if (await compressed.ReadAtLeastAsync(_encoded.AsMemory(0, count), count, throwOnEndOfStream: false, cancel) < count)
        {
            throw Cut();
        }
    }

    private async ValueTask<uint?> TryReadWordAsync(CancellationToken cancel)
    {
        int read = await compressed.ReadAtLeastAsync(_small.AsMemory(0, 4), 4, throwOnEndOfStream: false, cancel);
        return read == 0 ? null : read == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(_small) : throw Cut();
    }

    private async ValueTask ReadAsync(int offset, int count, CancellationToken cancel)
    {
        if (await compressed.ReadAtLeastAsync(_small.AsMemory(offset, count), count, throwOnEndOfStream: false, cancel) < count)
        {
            throw Cut();
        }
    }

    // WAL-G's blocks are of 4 MB: a backup of a thousand parts must not make garbage of two such arrays for each
    private static void EnsureSize(ref byte[] array, int size)
    {
        if (array.Length < size)
        {
            Return(ref array);
            array = ArrayPool<byte>.Shared.Rent(size);
        }
    }

    private static void Return(ref byte[] array)
    {
        if (array.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(array);
            array = [];
        }
    }

    private static InvalidDataException Cut() => new("The LZ4 frame is cut: it ends before its end mark.");
}
