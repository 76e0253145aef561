using System.Buffers;
using System.Buffers.Binary;

namespace PgMigration.Wal;

/// <summary>The header of one part of an lzop stream: which checksums its blocks have, and the filter that they went through.</summary>
internal sealed class LzopHeader
{
    public const uint AdlerOfContent = 0x1;
    public const uint AdlerOfBlock = 0x2;
    public const uint CrcOfContent = 0x100;
    public const uint CrcOfBlock = 0x200;
    private const uint ExtraField = 0x40;
    private const uint Filtered = 0x800;
    private const uint CrcOfHeader = 0x1000;
    private const uint Reserved = 0x000F_C000; // others name the system and the character set that wrote it
    private const int FirstVersion = 0x0900;
    private const int WithLevel = 0x0940;
    private const int NewestVersion = 0x1040;
    private const int WidestFilter = 16;

    private readonly ArrayBufferWriter<byte> _bytes = new();
    private uint _flags;
    private int _filter;

    private static ReadOnlySpan<byte> Magic => [0x89, (byte)'L', (byte)'Z', (byte)'O', 0, 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Whether any of some flags is set.</summary>
    public bool Has(uint flags) => (_flags & flags) != 0;

    /// <summary>Reads a header; null when the stream ends, or holds nothing more but zeros.</summary>
    /// <exception cref="InvalidDataException">It is cut, altered, or of a kind that lzop does not read.</exception>
    public static async ValueTask<LzopHeader?> ReadAsync(Stream input, bool isFirst, CancellationToken cancel)
    {
        byte[] magic = new byte[Magic.Length];
        int read = await input.ReadAtLeastAsync(magic, magic.Length, throwOnEndOfStream: false, cancel);
        if (isFirst || magic.AsSpan(0, read).ContainsAnyExcept((byte)0))
        {
            var header = read == magic.Length && Magic.SequenceEqual(magic) ? new LzopHeader() : throw new InvalidDataException(
                isFirst ? "The object does not begin as lzop writes; it may be encrypted." : "Data follows the end mark.");
            await header.ReadFieldsAsync(input, cancel);
            return header;
        }

        byte[] rest = new byte[4096];
        while ((read = await input.ReadAsync(rest, cancel)) > 0)
        {
            if (rest.AsSpan(0, read).ContainsAnyExcept((byte)0))
            {
                throw new InvalidDataException("Data follows the end mark.");
            }
        }

        return null;
    }

    /// <summary>Reads a big-endian number of four bytes.</summary>
    public static async ValueTask<int> WordAsync(Stream input, CancellationToken cancel)
    {
        byte[] word = new byte[4];
        await ExactlyAsync(input, word, cancel);
        return BinaryPrimitives.ReadInt32BigEndian(word);
    }

    /// <summary>Fills a buffer.</summary>
    /// <exception cref="InvalidDataException">The stream ends before.</exception>
    public static async ValueTask ExactlyAsync(Stream input, Memory<byte> bytes, CancellationToken cancel)
    {
        if (await input.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancel) < bytes.Length)
        {
            throw new InvalidDataException("The lzop stream is cut: it ends before its end mark.");
        }
    }

    /// <summary>Compares a checksum.</summary>
    public static void Require(uint stated, uint found)
    {
        if (stated != found)
        {
            throw new InvalidDataException("A checksum does not match: its bytes were altered.");
        }
    }

    /// <summary>Undoes the filter of a block: each byte was stored as its difference from the one that lies so many before it.</summary>
    public void Unfilter(Span<byte> block)
    {
        if (_filter > WidestFilter)
        {
            throw new InvalidDataException($"Its header names the filter {_filter}; lzop knows 1 to {WidestFilter}.");
        }

        if (_filter == 0 || (_filter > 1 && block.Length <= _filter))
        {
            return; // lzop leaves a block that is no longer than its filter as it is
        }

        for (int at = _filter; at < block.Length; at++)
        {
            block[at] += block[at - _filter];
        }
    }

    private async ValueTask ReadFieldsAsync(Stream input, CancellationToken cancel)
    {
        int version = await NumberAsync(input, 2, cancel);
        bool old = version < WithLevel;
        await NumberAsync(input, 2, cancel); // the library's version
        int needed = old ? FirstVersion : await NumberAsync(input, 2, cancel);
        int method = await NumberAsync(input, 1, cancel);
        int level = old ? 0 : await NumberAsync(input, 1, cancel);
        _flags = (uint)await NumberAsync(input, 4, cancel);
        _filter = Has(Filtered) ? await NumberAsync(input, 4, cancel) : 0;
        await NumberAsync(input, old ? 4 + 4 : 4 + 8, cancel); // mode, time
        await NumberAsync(input, await NumberAsync(input, 1, cancel), cancel); // name
        await CheckAsync(input, cancel);
        if (version < FirstVersion || needed is < FirstVersion or > NewestVersion || method is < 1 or > 3 || level > 9 || Has(Reserved) || _filter < 0)
        {
            throw new InvalidDataException($"Its lzop header names version {needed:X4}, method {method}, level {level} and flags {_flags:X8}. Expected LZO1X, as lzop up to {NewestVersion:X4} writes it.");
        }

        if (Has(ExtraField))
        {
            _bytes.ResetWrittenCount();
            for (int left = await NumberAsync(input, 4, cancel); left != 0; left -= Math.Min(left, 4096))
            {
                await NumberAsync(input, left > 0 ? Math.Min(left, 4096) : throw new InvalidDataException("Its header holds an absurd extra field."), cancel);
            }

            await CheckAsync(input, cancel);
        }
    }

    private async ValueTask CheckAsync(Stream input, CancellationToken cancel)
    {
        uint stated = (uint)await WordAsync(input, cancel);
        Require(stated, Has(CrcOfHeader) ? Crc32.Of(_bytes.WrittenSpan) : Adler32.Of(_bytes.WrittenSpan));
    }

    // Reads so many bytes of the header, and gives the last four of them as a big-endian number.
    private async ValueTask<int> NumberAsync(Stream input, int size, CancellationToken cancel)
    {
        byte[] bytes = new byte[size];
        await ExactlyAsync(input, bytes, cancel);
        _bytes.Write(bytes);
        int value = 0;
        foreach (byte next in bytes)
        {
            value = (value << 8) | next;
        }

        return value;
    }
}
