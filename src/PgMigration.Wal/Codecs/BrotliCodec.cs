using System.Buffers;
using System.IO.Compression;

namespace PgMigration.Wal;

/// <summary>Brotli streams. Format: RFC 7932.</summary>
/// <remarks>
/// BrotliStream ends early without an error when its input is cut, so the decoder is called here, and its end mark required. The format has no
/// checksum: a flipped bit can decode to other data, which a segment's records, page checksums and the tar's headers may show, or may not.
/// </remarks>
internal sealed class BrotliCodec : ICodec
{
    public string Extension => "br";

    public Stream Decompress(Stream compressed) => new CheckedStream(compressed);

    public Stream Compress(Stream destination) => new BrotliStream(destination, CompressionLevel.Fastest, leaveOpen: true);

    private sealed class CheckedStream(Stream compressed) : ReadStream
    {
        private readonly byte[] _input = new byte[64 * 1024];
        private BrotliDecoder _decoder;
        private int _next;
        private int _end;
        private bool _inputEnded;
        private bool _ended;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (!_ended && !buffer.IsEmpty)
            {
                var status = _decoder.Decompress(_input.AsSpan(_next, _end - _next), buffer.Span, out int consumed, out int written);
                _next += consumed;
                switch (status)
                {
                    case OperationStatus.Done:
                        _ended = true;
                        await RequireEndAsync(cancellationToken);
                        break;
                    case OperationStatus.InvalidData:
                        throw new InvalidDataException("The Brotli stream cannot be decoded: its bytes were altered, or it is encrypted.");
                    case OperationStatus.NeedMoreData when written == 0:
                        await FillAsync(cancellationToken);
                        break;
                }

                if (written > 0)
                {
                    return written;
                }
            }

            return 0;
        }

        private async ValueTask FillAsync(CancellationToken cancel)
        {
            if (_inputEnded)
            {
                throw new InvalidDataException("The Brotli stream is cut: it ends before its end mark.");
            }

            int kept = _end - _next;
            _input.AsSpan(_next, kept).CopyTo(_input);
            int read = await compressed.ReadAsync(_input.AsMemory(kept), cancel);
            (_next, _end) = (0, kept + read);
            _inputEnded = read == 0;
        }

        private async ValueTask RequireEndAsync(CancellationToken cancel)
        {
            if (_next < _end || (!_inputEnded && await compressed.ReadAsync(_input, cancel) > 0))
            {
                throw new InvalidDataException("Data follows the end of the Brotli stream.");
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _decoder.Dispose();
                compressed.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
