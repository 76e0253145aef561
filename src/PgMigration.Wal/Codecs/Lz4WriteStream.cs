using System.Buffers;
using System.Buffers.Binary;
using K4os.Compression.LZ4;
using K4os.Hash.xxHash;

namespace PgMigration.Wal;

/// <summary>Writes one LZ4 frame; the end mark and the checksum come when it is disposed of.</summary>
internal sealed class Lz4WriteStream : WriteStream
{
    private readonly Stream _destination;
    private readonly XXH32 _checksum = new();
    private byte[]? _block = ArrayPool<byte>.Shared.Rent(Lz4Codec.BlockSize);
    private readonly byte[] _encoded = new byte[sizeof(uint) + LZ4Codec.MaximumOutputSize(Lz4Codec.BlockSize)];
    private int _filled;

    public Lz4WriteStream(Stream destination)
    {
        _destination = destination;

        // version 01, independent blocks, content checksum; block size 7 = 4 MB
        byte[] header = [0, 0, 0, 0, 0b0110_0100, 0x70, 0];
        BinaryPrimitives.WriteUInt32LittleEndian(header, Lz4Codec.Magic);
        header[6] = (byte)(XXH32.DigestOf(header.AsSpan(4, 2)) >> 8);
        destination.Write(header);
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_block is null, this);
        while (!buffer.IsEmpty)
        {
            int taken = Math.Min(buffer.Length, Lz4Codec.BlockSize - _filled);
            buffer[..taken].CopyTo(_block.AsSpan(_filled));
            buffer = buffer[taken..];
            _filled += taken;
            if (_filled == Lz4Codec.BlockSize)
            {
                WriteBlock();
            }
        }
    }

    // Blocks go out when they are full or at the end: a flush in the middle must not make small ones.
    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && _block is not null)
        {
            WriteBlock();
            Span<byte> end = stackalloc byte[2 * sizeof(uint)];
            BinaryPrimitives.WriteUInt32LittleEndian(end[sizeof(uint)..], _checksum.Digest());
            _destination.Write(end);
            ArrayPool<byte>.Shared.Return(_block);
            _block = null;
        }

        base.Dispose(disposing);
    }

    private void WriteBlock()
    {
        if (_filled == 0)
        {
            return;
        }

        var plain = _block.AsSpan(0, _filled);
        _checksum.Update(plain);
        int length = LZ4Codec.Encode(plain, _encoded.AsSpan(sizeof(uint)));
        bool stored = length <= 0 || length >= plain.Length;
        if (stored)
        {
            plain.CopyTo(_encoded.AsSpan(sizeof(uint)));
            length = plain.Length;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(_encoded, (uint)length | (stored ? Lz4Codec.StoredBlock : 0));
        _destination.Write(_encoded, 0, sizeof(uint) + length);
        _filled = 0;
    }
}
