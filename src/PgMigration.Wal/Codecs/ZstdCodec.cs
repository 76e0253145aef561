using ZstdSharp;
using ZstdSharp.Unsafe;

namespace PgMigration.Wal;

/// <summary>Zstandard frames; written with a checksum of the content.</summary>
/// <remarks>WAL-G before late 2022 probably wrote none, and then a flipped bit can decode to wrong data: a segment's records are checked then.</remarks>
internal sealed class ZstdCodec : ICodec
{
    public string Extension => "zst";

    public Stream Decompress(Stream compressed) => new CheckedStream(compressed);

    public Stream Compress(Stream destination)
    {
        var stream = new CompressionStream(destination, level: 3, leaveOpen: true);
        stream.SetParameter(ZSTD_cParameter.ZSTD_c_checksumFlag, 1);
        return stream;
    }

    /// <summary>Tells what is wrong as one kind of error, and takes nothing for an empty frame.</summary>
    private sealed class CheckedStream(Stream compressed) : ReadStream, IChecksummed
    {
        private readonly CountingStream _input = new(compressed);
        private DecompressionStream? _decoder;

        public bool HasChecksum => _input.FrameHasChecksum;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _decoder ??= new DecompressionStream(_input, bufferSize: 1 << 17, checkEndOfStream: true, leaveOpen: true);
            try
            {
                int read = await _decoder.ReadAsync(buffer, cancellationToken);
                return read > 0 || buffer.IsEmpty || _input.Count > 0 ? read : throw new InvalidDataException("The object is empty; expected a Zstandard frame.");
            }
            catch (EndOfStreamException error)
            {
                throw new InvalidDataException("The Zstandard frame is cut: it ends before its last block.", error);
            }
            catch (ZstdException error)
            {
                throw new InvalidDataException($"The Zstandard frame cannot be decoded ({error.Message}): its bytes were altered, or it is encrypted.", error);
            }
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

    private sealed class CountingStream(Stream inner) : ReadStream
    {
        // The magic number FD2FB528, then the frame's descriptor, of which bit 2 is Content_Checksum_flag (RFC 8878, 3.1.1).
        private readonly byte[] _head = new byte[5];

        public long Count { get; private set; }

        public bool FrameHasChecksum => Count >= _head.Length && _head is [0x28, 0xB5, 0x2F, 0xFD, var descriptor] && (descriptor & 4) != 0;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await inner.ReadAsync(buffer, cancellationToken);
            for (int i = 0; i < read && Count + i < _head.Length; i++)
            {
                _head[Count + i] = buffer.Span[i];
            }

            Count += read;
            return read;
        }
    }
}
