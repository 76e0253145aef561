using System.IO.Compression;

namespace PgMigration.Wal;

/// <summary>Gzip: reads any number of members, writes one.</summary>
internal sealed class GzipCodec : ICodec
{
    public string Extension => "gz";

    public Stream Decompress(Stream compressed) => new GzipReadStream(compressed);

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
}
