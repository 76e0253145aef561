using System.Buffers.Binary;
using SharpCompress.Common;
using SharpCompress.Compressors.LZMA;

namespace PgMigration.Wal;

/// <summary>The legacy .lzma container, read only. Format: the LZMA SDK's lzma-specification.txt. It has no checksum of its content.</summary>
/// <remarks>
/// The system's liblzma reads every form of it, and .xz, faster than the managed decoder. Without that library only the form that WAL-G
/// writes is read: of unknown length, which ends with a mark. Past an early mark the managed decoder would go on up to a stated length. It
/// also reads ones behind the end of its input; so its input throws there, and nothing may be left of it afterwards.
/// </remarks>
internal sealed class LzmaCodec : ICodec
{
    private const int HeaderSize = 13; // properties, dictionary size, content length
    private const long UnknownLength = -1;

    // xz -9 uses 64 MB, WAL-G 8 MB; the decoder takes as much memory.
    private const uint LargestDictionary = 128 << 20;

    public string Extension => "lzma";

    public Stream Decompress(Stream compressed) => LzmaLibrary.IsNative ? new LzmaReadStream(compressed) : DecompressManaged(compressed);

    /// <summary>Decodes without the system's library.</summary>
    internal static Stream DecompressManaged(Stream compressed) => new CheckedStream(compressed);

    public Stream Compress(Stream destination) => throw new NotSupportedException("LZMA is only read.");

    private sealed class CheckedStream(Stream compressed) : ReadStream
    {
        private readonly Input _input = new(compressed);
        private LzmaStream? _decoder;
        private bool _ended;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_ended || buffer.IsEmpty)
            {
                return 0;
            }

            try
            {
                _decoder ??= await OpenAsync(cancellationToken);
                int read = _decoder.Read(buffer.Span);
                if (read > 0)
                {
                    return read;
                }
            }
            catch (Exception error) when (error is SharpCompressException or IndexOutOfRangeException or ArgumentException or InvalidOperationException)
            {
                throw new InvalidDataException("The LZMA stream cannot be decoded: its bytes were altered, or it is encrypted.", error);
            }

            _ended = true;
            return await _input.HasRestAsync(cancellationToken) ? throw new InvalidDataException("Data follows the end of the LZMA stream.") : 0;
        }

        private async ValueTask<LzmaStream> OpenAsync(CancellationToken cancel)
        {
            byte[] header = new byte[HeaderSize];
            int read = await _input.ReadAtLeastAsync(header, HeaderSize, throwOnEndOfStream: false, cancel);
            uint dictionary = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(1));
            if (read < HeaderSize || header[0] >= 9 * 5 * 5 || dictionary > LargestDictionary || BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(5)) != UnknownLength)
            {
                throw new InvalidDataException(
                    "The object does not begin as an .lzma stream that ends with a mark; it may be encrypted. Other forms, and .xz, need liblzma.so.5 (package liblzma5 or xz-libs).");
            }

            _input.Require = true;
            return LzmaStream.Create(header[..5], _input, -1, UnknownLength, true);
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

    /// <summary>Bytes one by one for the decoder, from a buffer; past the end an error, where a decoder would go on with what is no data.</summary>
    private sealed class Input(Stream inner) : ReadStream
    {
        private readonly byte[] _buffer = new byte[64 * 1024];
        private int _next;
        private int _end;

        public bool Require { get; set; }

        public override int ReadByte()
        {
            if (_next == _end)
            {
                Took(inner.Read(_buffer));
            }

            return _buffer[_next++];
        }

        public override int Read(Span<byte> buffer)
        {
            if (_next == _end)
            {
                Took(inner.Read(_buffer));
            }

            return Give(buffer);
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_next == _end)
            {
                Took(await inner.ReadAsync(_buffer, cancellationToken));
            }

            return Give(buffer.Span);
        }

        public async ValueTask<bool> HasRestAsync(CancellationToken cancel)
        {
            Require = false;
            return _next < _end || await inner.ReadAsync(_buffer, cancel) > 0;
        }

        private void Took(int read)
        {
            (_next, _end) = (0, read);
            if (read == 0 && Require)
            {
                throw new InvalidDataException("The LZMA stream is cut: it ends before its end mark.");
            }
        }

        private int Give(Span<byte> buffer)
        {
            int count = Math.Min(buffer.Length, _end - _next);
            _buffer.AsSpan(_next, count).CopyTo(buffer);
            _next += count;
            return count;
        }
    }
}
