using System.Buffers.Binary;
using System.Security.Cryptography;

namespace PgMigration.Wal;

/// <summary>Decrypts a DARE 2.0 stream: packages of up to 64 kB, each with a header and a tag, the last one marked as final.</summary>
/// <remarks>
/// A package is header (version, cipher, length - 1 in 2 bytes, nonce of 12 bytes whose first bit says that it is the last), content, tag of 16
/// bytes. The nonce that the cipher gets has its last 4 bytes combined (XOR) with the package's number; the header's first 4 bytes are
/// authenticated with it. Numbers are little-endian. Source: minio's sio, which WAL-G writes KMS objects with: DARE.md and version 2.0 as its code has it.
/// </remarks>
internal sealed class DareReadStream(Stream encrypted, byte[] key) : ReadStream
{
    private const int HeaderSize = 16;
    private const int TagSize = 16;
    private const int LargestContent = 64 * 1024;
    private const byte Version = 0x20;
    private const byte Final = 0x80;

    private readonly byte[] _package = new byte[HeaderSize + LargestContent + TagSize];
    private readonly byte[] _content = new byte[LargestContent];
    private byte[]? _first; // the header of the first package: later ones repeat its cipher and nonce
    private AesGcm? _aes;
    private ChaCha20Poly1305? _chaCha;
    private uint _number;
    private int _next;
    private int _end;
    private bool _final;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_next == _end && !_final && !buffer.IsEmpty)
        {
            await ReadPackageAsync(cancellationToken);
        }

        int count = Math.Min(buffer.Length, _end - _next);
        _content.AsSpan(_next, count).CopyTo(buffer.Span);
        _next += count;
        return count;
    }

    private async ValueTask ReadPackageAsync(CancellationToken cancel)
    {
        await ExactlyAsync(_package.AsMemory(0, HeaderSize), cancel);
        int length = CheckHeader();
        await ExactlyAsync(_package.AsMemory(HeaderSize, length + TagSize), cancel);
        Open(length);
        if (_final && await encrypted.ReadAsync(_package, cancel) > 0)
        {
            throw new InvalidDataException("Data follows the final package of the encrypted stream.");
        }
    }

    private int CheckHeader()
    {
        var header = _package.AsSpan(0, HeaderSize);
        int length = BinaryPrimitives.ReadUInt16LittleEndian(header[2..]) + 1;
        bool isFinal = (header[4] & Final) != 0;
        if (header[0] != Version || header[1] > 1)
        {
            throw _first is null
                ? new KeyMismatchException("what follows the wrapped key is no DARE 2.0 stream. It is encrypted in another way, or not at all, or it was altered.")
                : Altered();
        }

        _first ??= header.ToArray();
        bool repeats = header[1] == _first[1] && (header[4] | Final) == (_first[4] | Final) && header[5..].SequenceEqual(_first.AsSpan(5));
        return repeats && (isFinal || length == LargestContent) ? length : throw Altered();
    }

    private void Open(int length)
    {
        var header = _package.AsSpan(0, HeaderSize);
        Span<byte> nonce = stackalloc byte[12];
        header[4..].CopyTo(nonce);
        BinaryPrimitives.WriteUInt32LittleEndian(nonce[8..], BinaryPrimitives.ReadUInt32LittleEndian(nonce[8..]) ^ _number);
        var content = _package.AsSpan(HeaderSize, length);
        var tag = _package.AsSpan(HeaderSize + length, TagSize);
        try
        {
            if (header[1] == 0)
            {
                (_aes ??= new AesGcm(key, TagSize)).Decrypt(nonce, content, tag, _content.AsSpan(0, length), header[..4]);
            }
            else
            {
                (_chaCha ??= new ChaCha20Poly1305(key)).Decrypt(nonce, content, tag, _content.AsSpan(0, length), header[..4]);
            }
        }
        catch (AuthenticationTagMismatchException)
        {
            throw Altered();
        }

        _number = checked(_number + 1);
        _final = (header[4] & Final) != 0;
        (_next, _end) = (0, length);
    }

    private async ValueTask ExactlyAsync(Memory<byte> bytes, CancellationToken cancel)
    {
        if (await encrypted.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancel) < bytes.Length)
        {
            throw new InvalidDataException("The encrypted stream is cut: it ends before its final package.");
        }
    }

    private static InvalidDataException Altered() => new("The encrypted stream was altered: a package of it is not authentic.");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _aes?.Dispose();
            _chaCha?.Dispose();
            encrypted.Dispose();
        }

        base.Dispose(disposing);
    }
}
