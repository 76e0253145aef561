using System.Buffers.Binary;

namespace PgMigration.Wal;

/// <summary>The container of the lzop tool, which WAL-E pipes everything through; read only. Format: lzop's own sources (lzop.h, lzop.c of 1.04).</summary>
/// <remarks>lzop's default is an Adler-32 of each block's content; without any checksum a flipped bit can decode to other data.</remarks>
internal sealed class LzoCodec : ICodec
{
    private const uint AdlerOfContent = 0x1;
    private const uint AdlerOfBlock = 0x2;
    private const uint ExtraField = 0x40;
    private const uint CrcOfContent = 0x100;
    private const uint CrcOfBlock = 0x200;
    private const uint Filter = 0x800;
    private const uint CrcOfHeader = 0x1000;

    // lzop writes blocks of 256 kB, and reads none above 64 MB.
    private const int LargestBlock = 64 << 20;

    private static ReadOnlySpan<byte> Magic => [0x89, (byte)'L', (byte)'Z', (byte)'O', 0, 0x0D, 0x0A, 0x1A, 0x0A];

    public string Extension => "lzo";

    public Stream Decompress(Stream compressed) => new LzopStream(compressed);

    public Stream Compress(Stream destination) => throw new NotSupportedException("LZO is only read.");

    private sealed class LzopStream(Stream compressed) : ReadStream, IChecksummed
    {
        private readonly BufferedStream _input = new(compressed, 64 * 1024);
        private byte[] _block = [];
        private byte[] _encoded = [];
        private uint _flags;
        private int _next;
        private int _end;
        private bool _started;
        private bool _ended;

        public bool HasChecksum => (_flags & (AdlerOfContent | CrcOfContent)) != 0;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!_started)
            {
                await ReadHeaderAsync(cancellationToken);
                _started = true;
            }

            while (_next == _end && !_ended && !buffer.IsEmpty)
            {
                await ReadBlockAsync(cancellationToken);
            }

            int count = Math.Min(buffer.Length, _end - _next);
            _block.AsSpan(_next, count).CopyTo(buffer.Span);
            _next += count;
            return count;
        }

        private async ValueTask ReadHeaderAsync(CancellationToken cancel)
        {
            byte[] magic = new byte[Magic.Length];
            if (await _input.ReadAtLeastAsync(magic, magic.Length, throwOnEndOfStream: false, cancel) < magic.Length || !Magic.SequenceEqual(magic))
            {
                throw new InvalidDataException("The object does not begin as lzop writes; it may be encrypted.");
            }

            var header = new MemoryStream();
            int version = await NumberAsync(header, 2, cancel);
            bool old = version < 0x0940;
            await NumberAsync(header, old ? 2 : 4, cancel); // the library's version; the version needed to extract
            int method = await NumberAsync(header, 1, cancel);
            await NumberAsync(header, old ? 0 : 1, cancel); // level
            _flags = (uint)await NumberAsync(header, 4, cancel);
            if (version < 0x0900 || method is < 1 or > 3 || (_flags & Filter) != 0)
            {
                throw new InvalidDataException("It is of a kind that lzop does not write by itself (another method than LZO1X, or a filter).");
            }

            await NumberAsync(header, 4, cancel); // mode
            await NumberAsync(header, old ? 4 : 8, cancel); // time
            await NumberAsync(header, await NumberAsync(header, 1, cancel), cancel); // name
            await CheckAsync(header, cancel);
            if ((_flags & ExtraField) != 0)
            {
                var extra = new MemoryStream();
                int length = await NumberAsync(extra, 4, cancel);
                await NumberAsync(extra, length is >= 0 and < 1 << 16 ? length : throw new InvalidDataException("Its header holds an absurd extra field."), cancel);
                await CheckAsync(extra, cancel);
            }
        }

        private async ValueTask CheckAsync(MemoryStream header, CancellationToken cancel)
        {
            byte[] stated = new byte[4];
            await ExactlyAsync(stated, cancel);
            var bytes = header.GetBuffer().AsSpan(0, (int)header.Length);
            Require(BinaryPrimitives.ReadUInt32BigEndian(stated), (_flags & CrcOfHeader) != 0 ? Crc(bytes) : Adler32.Of(bytes));
        }

        private async ValueTask ReadBlockAsync(CancellationToken cancel)
        {
            int length = await WordAsync(cancel);
            if (length == 0)
            {
                _ended = true;
                if (await _input.ReadAsync(new byte[1], cancel) > 0)
                {
                    throw new InvalidDataException("Data follows the end mark.");
                }

                return;
            }

            int stored = await WordAsync(cancel);
            if (length is < 0 or > LargestBlock || stored <= 0 || stored > length)
            {
                throw new InvalidDataException("A block states a length that lzop does not write.");
            }

            bool compressedBlock = stored < length;
            uint adlerOfContent = (_flags & AdlerOfContent) != 0 ? (uint)await WordAsync(cancel) : 0;
            uint crcOfContent = (_flags & CrcOfContent) != 0 ? (uint)await WordAsync(cancel) : 0;
            uint adlerOfBlock = compressedBlock && (_flags & AdlerOfBlock) != 0 ? (uint)await WordAsync(cancel) : 0;
            uint crcOfBlock = compressedBlock && (_flags & CrcOfBlock) != 0 ? (uint)await WordAsync(cancel) : 0;
            Grow(ref _block, length);
            if (compressedBlock)
            {
                Grow(ref _encoded, stored);
                await ExactlyAsync(_encoded.AsMemory(0, stored), cancel);
                Verify(AdlerOfBlock, adlerOfBlock, CrcOfBlock, crcOfBlock, _encoded.AsSpan(0, stored));
                if (!Lzo1x.TryDecode(_encoded.AsSpan(0, stored), _block.AsSpan(0, length)))
                {
                    throw new InvalidDataException("A block does not decode to the length that it states: it was altered.");
                }
            }
            else
            {
                await ExactlyAsync(_block.AsMemory(0, length), cancel);
            }

            Verify(AdlerOfContent, adlerOfContent, CrcOfContent, crcOfContent, _block.AsSpan(0, length));
            (_next, _end) = (0, length);
        }

        private void Verify(uint adlerFlag, uint adler, uint crcFlag, uint crc, ReadOnlySpan<byte> bytes)
        {
            if ((_flags & adlerFlag) != 0)
            {
                Require(adler, Adler32.Of(bytes));
            }

            if ((_flags & crcFlag) != 0)
            {
                Require(crc, Crc(bytes));
            }
        }

        private static void Require(uint stated, uint found)
        {
            if (stated != found)
            {
                throw new InvalidDataException("A checksum does not match: its bytes were altered.");
            }
        }

        private static uint Crc(ReadOnlySpan<byte> bytes)
        {
            var crc = new Crc32();
            crc.Update(bytes);
            return crc.Value;
        }

        private static void Grow(ref byte[] buffer, int length)
        {
            if (buffer.Length < length)
            {
                buffer = GC.AllocateUninitializedArray<byte>(length);
            }
        }

        // Reads so many bytes of the header, and gives the last four of them as a big-endian number.
        private async ValueTask<int> NumberAsync(MemoryStream header, int size, CancellationToken cancel)
        {
            byte[] bytes = new byte[size];
            await ExactlyAsync(bytes, cancel);
            header.Write(bytes);
            int value = 0;
            foreach (byte next in bytes)
            {
                value = (value << 8) | next;
            }

            return value;
        }

        private async ValueTask<int> WordAsync(CancellationToken cancel)
        {
            byte[] word = new byte[4];
            await ExactlyAsync(word, cancel);
            return BinaryPrimitives.ReadInt32BigEndian(word);
        }

        private async ValueTask ExactlyAsync(Memory<byte> bytes, CancellationToken cancel)
        {
            if (await _input.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancel) < bytes.Length)
            {
                throw new InvalidDataException("The lzop stream is cut: it ends before its end mark.");
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
}
