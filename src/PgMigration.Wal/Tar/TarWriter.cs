using System.Text;

namespace PgMigration.Wal;

/// <summary>Writes the entries of one tar: headers of the ustar format, GNU's for long names, as tar programs and WAL-G read them.</summary>
/// <remarks>System.Formats.Tar takes the length from the stream; a file of a running server has the length that its header said, whatever it does meanwhile.</remarks>
internal sealed class TarWriter(Stream destination)
{
    private const int Block = 512;
    private const int NameLength = 100;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly byte[] Zeros = new byte[64 * 1024];
    private readonly byte[] _buffer = new byte[256 * 1024];

    /// <summary>Writes a folder.</summary>
    public async Task AddFolderAsync(string name, UnixFileMode mode, DateTimeOffset modified, CancellationToken cancel) =>
        await WriteHeaderAsync(name + "/", '5', 0, mode, modified, cancel);

    /// <summary>Writes a file: exactly <paramref name="length"/> bytes, padded with zeros when it has shrunk and cut when it has grown.</summary>
    /// <remarks>WAL replay mends both: it extends and truncates the file again.</remarks>
    public async Task AddFileAsync(string name, Stream content, long length, UnixFileMode mode, DateTimeOffset modified, CancellationToken cancel)
    {
        await WriteHeaderAsync(name, '0', length, mode, modified, cancel);
        long left = length;
        while (left > 0)
        {
            int read = await content.ReadAsync(_buffer.AsMemory(0, (int)Math.Min(left, _buffer.Length)), cancel);
            if (read == 0)
            {
                break;
            }

            await destination.WriteAsync(_buffer.AsMemory(0, read), cancel);
            left -= read;
        }

        await WriteZerosAsync(left + Padding(length), cancel);
    }

    /// <summary>Writes a small file of our own.</summary>
    public async Task AddTextAsync(string name, string text, CancellationToken cancel)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        using var content = new MemoryStream(bytes, writable: false);
        await AddFileAsync(name, content, bytes.Length, OwnerOnly, DateTimeOffset.UtcNow, cancel);
    }

    /// <summary>Writes the two blocks of zeros without which a tar is cut.</summary>
    public Task CompleteAsync(CancellationToken cancel) => WriteZerosAsync(2 * Block, cancel);

    private static long Padding(long length) => (Block - (length % Block)) % Block;

    private async Task WriteHeaderAsync(string name, char type, long length, UnixFileMode mode, DateTimeOffset modified, CancellationToken cancel)
    {
        byte[] nameBytes = Encoding.UTF8.GetBytes(name);
        if (nameBytes.Length > NameLength)
        {
            await destination.WriteAsync(Header("././@LongLink"u8, 'L', nameBytes.Length + 1, OwnerOnly, DateTimeOffset.UnixEpoch), cancel);
            await destination.WriteAsync(nameBytes, cancel);
            await WriteZerosAsync(1 + Padding(nameBytes.Length + 1), cancel);
            nameBytes = nameBytes[..NameLength];
        }

        await destination.WriteAsync(Header(nameBytes, type, length, mode, modified), cancel);
    }

    // Offsets and lengths: POSIX.1-1988 ustar.
    private static byte[] Header(ReadOnlySpan<byte> name, char type, long length, UnixFileMode mode, DateTimeOffset modified)
    {
        byte[] header = new byte[Block];
        name.CopyTo(header);
        Octal(header.AsSpan(100, 8), (long)mode);
        Octal(header.AsSpan(108, 8), 0);
        Octal(header.AsSpan(116, 8), 0);
        Octal(header.AsSpan(124, 12), length);
        Octal(header.AsSpan(136, 12), Math.Max(0, modified.ToUnixTimeSeconds()));
        header[156] = (byte)type;
        "ustar\000"u8.CopyTo(header.AsSpan(257));
        "postgres"u8.CopyTo(header.AsSpan(265)); // who is to own them, by name: the number differs from machine to machine
        "postgres"u8.CopyTo(header.AsSpan(297));
        header.AsSpan(148, 8).Fill((byte)' ');
        Octal(header.AsSpan(148, 7), header.Sum(value => (long)value));
        return header;
    }

    private static void Octal(Span<byte> field, long value)
    {
        field[^1] = 0;
        for (int at = field.Length - 2; at >= 0; at--, value >>= 3)
        {
            field[at] = (byte)('0' + (value & 7));
        }
    }

    private async Task WriteZerosAsync(long count, CancellationToken cancel)
    {
        for (; count > 0; count -= Math.Min(count, Zeros.Length))
        {
            await destination.WriteAsync(Zeros.AsMemory(0, (int)Math.Min(count, Zeros.Length)), cancel);
        }
    }
}
