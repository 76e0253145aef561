using System.Buffers;
using System.Buffers.Binary;
using K4os.Compression.LZ4;
using K4os.Hash.xxHash;

namespace PgMigration.Wal;

/// <summary>Reads LZ4 frames up to the end of the stream, and finds every way in which it can be cut or altered.</summary>
internal sealed class Lz4ReadStream(Stream compressed) : ReadStream, IChecksummed
{
    private const int DictionarySize = 64 * 1024;

    private readonly XXH32 _checksum = new();
    private readonly byte[] _small = new byte[32];
    private byte[] _encoded = [];
    private byte[] _window = []; // with linked blocks: up to 64 kB of what was decoded before, then the block
    private int _next;
    private int _end;
    private int _blockSize;
    private ulong? _declaredSize;
    private ulong _decodedSize;
    private bool _linked;
    private bool _blockChecksums;
    private bool _contentChecksum;
    private bool _inFrame;
    private bool _seenFrame;
    private bool _ended;

    /// <inheritdoc/>
    public bool HasChecksum => _contentChecksum;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_next == _end && !_ended && !buffer.IsEmpty)
        {
            if (_inFrame)
            {
                await ReadBlockAsync(cancellationToken);
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
        int read = await compressed.ReadAtLeastAsync(_small.AsMemory(0, 4), 4, throwOnEndOfStream: false, cancel);
        if (read == 0 && _seenFrame)
        {
            _ended = true;
            return;
        }

        uint magic = read == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(_small) : 0;
        if ((magic & 0xFFFF_FFF0) == Lz4Codec.SkippableMagic)
        {
            await SkipAsync(cancel);
            return;
        }

        if (magic != Lz4Codec.Magic)
        {
            throw new InvalidDataException(_seenFrame ? "Bytes that are no LZ4 frame follow the frame."
                : read < 4 ? "The object is too short for an LZ4 frame." : "The object does not begin as an LZ4 frame; it may be encrypted.");
        }

        await ReadAsync(0, 2, cancel);
        byte flags = _small[0];
        bool hasSize = (flags & 0b1000) != 0;
        bool hasDictionary = (flags & 1) != 0;
        int length = 2 + (hasSize ? 8 : 0) + (hasDictionary ? 4 : 0);
        await ReadAsync(2, length - 2 + 1, cancel);
        if (_small[length] != (byte)(XXH32.DigestOf(_small.AsSpan(0, length)) >> 8))
        {
            throw new InvalidDataException("The checksum of the LZ4 frame's header does not match.");
        }

        int sizeCode = (_small[1] >> 4) & 7;
        if (flags >> 6 != 1 || sizeCode < 4 || hasDictionary)
        {
            throw new InvalidDataException("The LZ4 frame is of an unknown version, or needs a dictionary.");
        }

        _linked = (flags & 0b10_0000) == 0;
        _blockChecksums = (flags & 0b1_0000) != 0;
        _contentChecksum = (flags & 0b100) != 0;
        _declaredSize = hasSize ? BinaryPrimitives.ReadUInt64LittleEndian(_small.AsSpan(2)) : null;
        _blockSize = 1 << (8 + (2 * sizeCode)); // 64 kB, 256 kB, 1 MB, 4 MB
        EnsureSize(ref _window, _blockSize + (_linked ? DictionarySize : 0));
        EnsureSize(ref _encoded, _blockSize + sizeof(uint));
        _next = _end = 0;
        _decodedSize = 0;
        _checksum.Reset();
        _inFrame = _seenFrame = true;
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
        if (length == 0 || length > _blockSize)
        {
            throw new InvalidDataException("An LZ4 block is longer than the frame allows.");
        }

        int wanted = (int)length + (_blockChecksums ? sizeof(uint) : 0);
        if (await compressed.ReadAtLeastAsync(_encoded.AsMemory(0, wanted), wanted, throwOnEndOfStream: false, cancel) < wanted)
        {
            throw Cut();
        }

        Decode((int)length, stored);
    }

    private void Decode(int length, bool stored)
    {
        var encoded = _encoded.AsSpan(0, length);
        if (_blockChecksums && XXH32.DigestOf(encoded) != BinaryPrimitives.ReadUInt32LittleEndian(_encoded.AsSpan(length)))
        {
            throw new InvalidDataException("The checksum of an LZ4 block does not match.");
        }

        int start = 0;
        if (_linked)
        {
            start = Math.Min(_end, DictionarySize);
            _window.AsSpan(_end - start, start).CopyTo(_window);
        }

        var target = _window.AsSpan(start, _blockSize);
        int decoded;
        if (stored)
        {
            encoded.CopyTo(target);
            decoded = length;
        }
        else
        {
            decoded = start == 0 ? LZ4Codec.Decode(encoded, target) : LZ4Codec.Decode(encoded, target, _window.AsSpan(0, start));
            if (decoded <= 0)
            {
                throw new InvalidDataException("An LZ4 block cannot be decoded: its bytes were altered.");
            }
        }

        if (_contentChecksum)
        {
            _checksum.Update(target[..decoded]);
        }

        _next = start;
        _end = start + decoded;
        _decodedSize += (ulong)decoded;
    }

    private async ValueTask ReadFrameEndAsync(CancellationToken cancel)
    {
        if (_contentChecksum)
        {
            await ReadAsync(0, 4, cancel);
            if (BinaryPrimitives.ReadUInt32LittleEndian(_small) != _checksum.Digest())
            {
                throw new InvalidDataException("The checksum of the LZ4 frame's content does not match.");
            }
        }

        if (_declaredSize is { } declared && declared != _decodedSize)
        {
            throw new InvalidDataException("The LZ4 frame's content has another length than its header says.");
        }

        _inFrame = false;
    }

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
