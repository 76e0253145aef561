using System.Buffers.Binary;
using System.IO.Compression;

namespace PgMigration.Wal;

/// <summary>Gzip of one member, as gzip and pigz write it. Format: RFC 1952.</summary>
/// <remarks>
/// GZipStream ends early without an error when its input is cut, and never checks the last bytes. So the header is read here, the last eight
/// bytes are held back from the decoder, and the checksum and length that they state are compared with what came out: no cut and no altered
/// bit passes that.
/// </remarks>
internal sealed class GzipCodec : ICodec
{
    public string Extension => "gz";

    public Stream Decompress(Stream compressed) => new CheckedStream(compressed);

    public Stream Compress(Stream destination) => new CheckedWriteStream(destination);

    /// <summary>GZipStream writes nothing at all for empty content, and nothing is no gzip stream.</summary>
    private sealed class CheckedWriteStream(Stream destination) : WriteStream
    {
        // header; one final block of fixed codes with its end mark; checksum and length zero
        private static readonly byte[] Empty = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        private GZipStream? _encoder;
        private bool _ended;

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (!buffer.IsEmpty)
            {
                _encoder ??= new GZipStream(destination, CompressionLevel.Fastest, leaveOpen: true);
                _encoder.Write(buffer);
            }
        }

        public override void Flush()
        {
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_ended)
            {
                _ended = true;
                if (_encoder is null)
                {
                    destination.Write(Empty);
                }

                _encoder?.Dispose();
            }

            base.Dispose(disposing);
        }
    }

    private sealed class CheckedStream(Stream compressed) : ReadStream, IChecksummed
    {
        private readonly HeldTail _input = new(compressed);
        private readonly Crc32 _crc = new();
        private DeflateStream? _decoder;
        private uint _length;

        public bool HasChecksum => true;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (buffer.IsEmpty)
            {
                return 0;
            }

            if (_decoder is null)
            {
                await ReadHeaderAsync(cancellationToken);
                _decoder = new DeflateStream(_input, CompressionMode.Decompress, leaveOpen: true);
            }

            int read = await _decoder.ReadAsync(buffer, cancellationToken);
            if (read > 0)
            {
                _crc.Update(buffer.Span[..read]);
                _length = unchecked(_length + (uint)read); // modulo 2^32, as the trailer has it
                return read;
            }

            await _input.DrainAsync(cancellationToken);
            var tail = _input.Tail;
            if (tail.Length < HeldTail.Size || BinaryPrimitives.ReadUInt32LittleEndian(tail) != _crc.Value || BinaryPrimitives.ReadUInt32LittleEndian(tail[4..]) != _length)
            {
                throw new InvalidDataException("The gzip stream is cut or altered: its checksum and length do not match its content.");
            }

            return 0;
        }

        private async ValueTask ReadHeaderAsync(CancellationToken cancel)
        {
            byte[] header = new byte[10];
            if (await _input.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, cancel) < header.Length || header is not [0x1F, 0x8B, 8, ..])
            {
                throw new InvalidDataException("The object does not begin as a gzip stream; it may be encrypted.");
            }

            byte flags = header[3];
            int skip = (flags & 4) == 0 ? 0 : await ByteAsync(cancel) + (await ByteAsync(cancel) << 8); // extra field
            for (; skip > 0; skip--)
            {
                _ = await ByteAsync(cancel);
            }

            for (int texts = ((flags >> 3) & 1) + ((flags >> 4) & 1); texts > 0; texts--) // file name, comment: each ends with a zero
            {
                while (await ByteAsync(cancel) != 0)
                {
                }
            }

            if ((flags & 2) != 0)
            {
                _ = await ByteAsync(cancel);
                _ = await ByteAsync(cancel);
            }
        }

        private async ValueTask<int> ByteAsync(CancellationToken cancel)
        {
            byte[] one = new byte[1];
            return await _input.ReadAsync(one, cancel) == 1 ? one[0] : throw new InvalidDataException("The gzip stream is cut within its header.");
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _decoder?.Dispose();
                compressed.Dispose();
            }

            base.Dispose(disposing);
        }
    }

    /// <summary>Hands on everything but the last eight bytes.</summary>
    private sealed class HeldTail(Stream inner) : ReadStream
    {
        public const int Size = 8;
        private readonly byte[] _buffer = new byte[64 * 1024];
        private int _start;
        private int _end;
        private bool _ended;

        public ReadOnlySpan<byte> Tail => _buffer.AsSpan(_start, _end - _start);

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (_end - _start <= Size && !_ended)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                _end -= _start;
                _start = 0;
                int read = await inner.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
                _end += read;
                _ended = read == 0;
            }

            int count = Math.Min(buffer.Length, Math.Max(0, _end - _start - Size));
            _buffer.AsSpan(_start, count).CopyTo(buffer.Span);
            _start += count;
            return count;
        }

        /// <summary>Reads what the decoder left: nothing in a whole stream of one member.</summary>
        public async ValueTask DrainAsync(CancellationToken cancel)
        {
            byte[] rest = new byte[64 * 1024];
            while (await ReadAsync(rest, cancel) > 0)
            {
            }
        }
    }
}
