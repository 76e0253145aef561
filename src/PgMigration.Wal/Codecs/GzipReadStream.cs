using System.Buffers.Binary;
using System.IO.Compression;

namespace PgMigration.Wal;

/// <summary>Reads gzip members up to the end of the stream. Format: RFC 1952.</summary>
/// <remarks>
/// Accepts what <c>gzip -t</c> accepts: several members, every optional field of their headers, and zeros after the last one.
/// GZipStream is not used, because it ends early without an error when its input is cut. The headers and trailers are read here, and the
/// checksum and length of each trailer are compared with what came out.
/// </remarks>
internal sealed class GzipReadStream(Stream compressed) : ReadStream, IChecksummed
{
    private const byte HeaderChecksum = 2;
    private const byte ExtraField = 4;
    private const byte Name = 8;
    private const byte Comment = 16;
    private const byte Unknown = 0b1110_0000; // one of them once meant encrypted
    private const int TrailerSize = 8;

    private readonly GzipInput _input = new(compressed);
    private readonly byte[] _small = new byte[10];
    private Crc32 _checksum = new();
    private DeflateStream? _member;
    private uint _length;
    private bool _seenMember;
    private bool _ended;

    /// <inheritdoc/>
    public bool HasChecksum => true;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!_ended && !buffer.IsEmpty)
        {
            if (_member is null)
            {
                await StartMemberAsync(cancellationToken);
                continue;
            }

            int read = await _member.ReadAsync(buffer, cancellationToken);
            if (read > 0)
            {
                _checksum.Update(buffer.Span[..read]);
                _length = unchecked(_length + (uint)read); // modulo 2^32, as the trailer has it
                return read;
            }

            await EndMemberAsync(cancellationToken);
        }

        return 0;
    }

    private async ValueTask StartMemberAsync(CancellationToken cancel)
    {
        if (_seenMember && await EndsAsync(cancel))
        {
            _ended = true;
            return;
        }

        await _input.ReadHeaderAsync(_small, cancel);
        if (_small is not [0x1F, 0x8B or 0x9E, 8, ..]) // 9E: before version 1.0
        {
            throw new InvalidDataException(_seenMember ? "Bytes that are no gzip member follow the member." : "The object does not begin as a gzip stream; it may be encrypted.");
        }

        byte flags = _small[3];
        if ((flags & Unknown) != 0)
        {
            throw new InvalidDataException($"The gzip header has the flags {flags:X2}, which no known version of the format has.");
        }

        await SkipFieldsAsync(flags, cancel);
        _checksum = new Crc32();
        _length = 0;
        _seenMember = true;
        _input.BeginMember();
        _member = new DeflateStream(_input, CompressionMode.Decompress, leaveOpen: true);
    }

    private async ValueTask SkipFieldsAsync(byte flags, CancellationToken cancel)
    {
        var header = new Crc32();
        header.Update(_small);
        if ((flags & ExtraField) != 0)
        {
            for (int left = await ByteAsync(header, cancel) + (await ByteAsync(header, cancel) << 8); left > 0; left--)
            {
                _ = await ByteAsync(header, cancel);
            }
        }

        for (int texts = ((flags & Name) != 0 ? 1 : 0) + ((flags & Comment) != 0 ? 1 : 0); texts > 0; texts--) // each ends with a zero
        {
            while (await ByteAsync(header, cancel) != 0)
            {
            }
        }

        if ((flags & HeaderChecksum) != 0)
        {
            uint expected = header.Value & 0xFFFF;
            if (await ByteAsync(header, cancel) + (await ByteAsync(header, cancel) << 8) != expected)
            {
                throw new InvalidDataException("The checksum of the gzip header does not match.");
            }
        }
    }

    private async ValueTask<int> ByteAsync(Crc32 header, CancellationToken cancel)
    {
        await _input.ReadHeaderAsync(_small.AsMemory(0, 1), cancel);
        header.Update(_small.AsSpan(0, 1));
        return _small[0];
    }

    private async ValueTask EndMemberAsync(CancellationToken cancel)
    {
        byte[] trailer = new byte[TrailerSize];
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, _checksum.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer.AsSpan(4), _length);
        if (!await _input.TryPassTrailerAsync(trailer, cancel))
        {
            throw new InvalidDataException("The gzip stream is cut or altered: its checksum and length do not match its content.");
        }

        await _member!.DisposeAsync();
        _member = null;
    }

    // Zeros may follow the last member: tapes and block devices pad with them.
    private async ValueTask<bool> EndsAsync(CancellationToken cancel)
    {
        bool anyZeros = false;
        while (await _input.PeekAsync(cancel) is 0)
        {
            anyZeros = true;
            _input.Pass();
        }

        return await _input.PeekAsync(cancel) is null || (anyZeros ? throw new InvalidDataException("Bytes that are no gzip member follow the member.") : false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _member?.Dispose();
            compressed.Dispose();
        }

        base.Dispose(disposing);
    }
}
