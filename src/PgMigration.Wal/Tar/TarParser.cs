using System.Text;

namespace PgMigration.Wal;

/// <summary>Reads a tar part from front to back: ustar with pax and GNU long names, as WAL-G (Go) and WAL-E (Python) write them.</summary>
/// <remarks>
/// Stricter than System.Formats.Tar, which takes a tar that is cut between two entries for whole: the two zero blocks at the end are
/// required, every header's checksum is checked, and the stream is read to its very end so that the codec checks its own end as well.
/// Content is handed out as it lies in the decoded pieces, uncopied. Source: pax in POSIX.1-2008, and the tar(5) page of FreeBSD.
/// </remarks>
public sealed class TarParser
{
    private const int BlockSize = 512;
    private const int LongestHeader = 1 << 20;

    private readonly IPieces _pieces;
    private readonly byte[] _straddling = new byte[BlockSize]; // a header that lies in two pieces
    private ReadOnlyMemory<byte> _piece;
    private long _contentLeft;
    private int _padding;
    private string? _globalPath;

    /// <summary>Makes a parser of a decoded stream, which it does not close.</summary>
    public TarParser(Stream stream)
        : this(new StreamPieces(stream))
    {
    }

    /// <summary>Makes a parser of decoded pieces.</summary>
    public TarParser(IPieces pieces) => _pieces = pieces;

    /// <summary>The next entry; null once the end marks and nothing but zeros after them have been read.</summary>
    /// <exception cref="InvalidDataException">The part is cut, altered, or holds what a backup never holds.</exception>
    public TarEntry? Next()
    {
        SkipContent();
        string? longName = null;
        string? longLink = null;
        long? longSize = null;
        while (true)
        {
            var header = Block();
            if (IsZero(header))
            {
                ReadEnd();
                return null;
            }

            CheckSum(header);
            long size = TarNumber.Read(header.Slice(124, 12));
            char type = (char)header[156];
            switch (type)
            {
                case 'x' or 'X':
                    foreach (var (key, value) in TarPax.Read(Payload(size)))
                    {
                        longName = key == "path" ? value : longName;
                        longLink = key == "linkpath" ? value : longLink;
                        longSize = key == "size" ? TarPax.Number(value) : longSize;
                        RefuseSparse(key);
                    }

                    break;
                case 'g':
                    foreach (var (key, value) in TarPax.Read(Payload(size)))
                    {
                        _globalPath = key == "path" ? value : _globalPath;
                    }

                    break;
                case 'L':
                    longName = Text(Payload(size));
                    break;
                case 'K':
                    longLink = Text(Payload(size));
                    break;
                default:
                    return Entry(type, longName ?? _globalPath ?? ShortName(header), longLink ?? Text(header.Slice(157, 100)), longSize ?? size);
            }
        }
    }

    /// <summary>The next piece of the current file's content; empty at its end. Valid until the next call.</summary>
    /// <param name="atMost">How many bytes are wanted at most.</param>
    /// <exception cref="InvalidDataException">The part ends within the file.</exception>
    public ReadOnlySpan<byte> ReadContent(int atMost = int.MaxValue)
    {
        if (_contentLeft == 0)
        {
            return default;
        }

        var content = Some(Math.Min(_contentLeft, atMost));
        _contentLeft -= content.Length;
        return content;
    }

    /// <summary>Passes over the next bytes of the current file's content.</summary>
    /// <exception cref="InvalidDataException">The file ends within them.</exception>
    public void Skip(long count)
    {
        while (count > 0)
        {
            int skipped = ReadContent((int)Math.Min(count, int.MaxValue)).Length;
            count -= skipped > 0 ? skipped : throw new InvalidDataException("a file is shorter than it should be");
        }
    }

    private TarEntry Entry(char type, string name, string link, long size)
    {
        var kind = type switch
        {
            '0' or '\0' => name.EndsWith('/') && size == 0 ? TarEntryKind.Folder : TarEntryKind.File, // with a slash: a folder, in the first tars
            '5' => TarEntryKind.Folder,
            '2' => TarEntryKind.SymbolicLink,
            _ => throw new InvalidDataException($"the entry '{name}' is of type '{type}'; a base backup holds files, folders and symbolic links only"),
        };
        long length = kind == TarEntryKind.File ? size : 0;
        _contentLeft = length;
        _padding = (int)(-length & (BlockSize - 1));
        return new TarEntry(name, kind, length, kind == TarEntryKind.SymbolicLink ? link : string.Empty);
    }

    private static string ShortName(ReadOnlySpan<byte> header)
    {
        string name = Text(header[..100]);
        bool isUstar = header.Slice(257, 5).SequenceEqual("ustar"u8) && header[262] == 0; // GNU's own header has a blank there, and other fields in place of the prefix
        string prefix = isUstar ? Text(header.Slice(345, 155)) : string.Empty;
        return prefix.Length == 0 ? name : $"{prefix}/{name}";
    }

    private void SkipContent()
    {
        while (!ReadContent().IsEmpty)
        {
        }

        while (_padding > 0)
        {
            _padding -= Some(_padding).Length;
        }
    }

    private byte[] Payload(long size)
    {
        if (size is < 0 or > LongestHeader)
        {
            throw new InvalidDataException($"a header of {size} bytes is longer than any that a backup holds");
        }

        byte[] payload = new byte[size];
        _contentLeft = size;
        _padding = (int)(-size & (BlockSize - 1));
        for (int at = 0; at < payload.Length;)
        {
            var piece = ReadContent();
            piece.CopyTo(payload.AsSpan(at));
            at += piece.Length;
        }

        SkipContent();
        return payload;
    }

    private ReadOnlySpan<byte> Block()
    {
        var first = Some(BlockSize);
        if (first.Length == BlockSize)
        {
            return first;
        }

        first.CopyTo(_straddling);
        for (int filled = first.Length; filled < BlockSize;)
        {
            var more = Some(BlockSize - filled);
            more.CopyTo(_straddling.AsSpan(filled));
            filled += more.Length;
        }

        return _straddling;
    }

    private void ReadEnd()
    {
        if (!IsZero(Block()))
        {
            throw new InvalidDataException("one zero block is followed by data; a tar ends with two");
        }

        // Some tars end in long runs of zero blocks; and the codec checks its end only when it is read to its end.
        do
        {
            if (!IsZero(_piece.Span))
            {
                throw new InvalidDataException("data follows the end of the tar");
            }

            _piece = _pieces.Next();
        }
        while (!_piece.IsEmpty);
    }

    /// <summary>So many bytes at most, and at least one, of the current piece or the next.</summary>
    private ReadOnlySpan<byte> Some(long atMost)
    {
        if (_piece.IsEmpty)
        {
            _piece = _pieces.Next();
        }

        if (_piece.IsEmpty)
        {
            throw new InvalidDataException("it ends without the two zero blocks that end a tar: it is cut");
        }

        var some = _piece[..(int)Math.Min(atMost, _piece.Length)];
        _piece = _piece[some.Length..];
        return some.Span;
    }

    private static void CheckSum(ReadOnlySpan<byte> header)
    {
        int sum = 8 * ' '; // the checksum's own field counts as blanks
        for (int i = 0; i < BlockSize; i++)
        {
            sum += i is >= 148 and < 156 ? 0 : header[i];
        }

        if (TarNumber.Read(header.Slice(148, 8)) != sum)
        {
            throw new InvalidDataException("a header's checksum is wrong: it is altered, or no tar");
        }
    }

    private static void RefuseSparse(string key)
    {
        if (key.StartsWith("GNU.sparse.", StringComparison.Ordinal))
        {
            throw new InvalidDataException("it holds a sparse file, which no backup tool of PostgreSQL writes");
        }
    }

    private static bool IsZero(ReadOnlySpan<byte> block) => !block.ContainsAnyExcept((byte)0);

    private static string Text(ReadOnlySpan<byte> field)
    {
        int end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }
}
