using System.Buffers.Binary;

namespace PgMigration.Wal;

/// <summary>
/// Walks the records of a segment, as its bytes come, and compares each with its checksum: for objects whose compression has none of its
/// own. PostgreSQL stops at the first record that does not match, and asks for its segment for ever.
/// </summary>
/// <remarks>
/// Layout: XLogPageHeaderData in PostgreSQL's xlog_internal.h, XLogRecord in xlogrecord.h; checksum: ValidXLogRecord in xlogreader.c.
/// Of a record that crosses the segment's beginning or end only the lengths are compared: its checksum needs both segments.
/// The data may end before the segment does: behind a switch of segments (then nothing counts), or in zeros or what a recycled file held
/// before, as in a segment that somebody copied while it was written. Written pages behind such an end are a hole, and damage.
/// </remarks>
internal sealed class WalRecordCheck
{
    private const int RecordHeader = 24;
    private const int ChecksumAt = 20;
    private const int ShortPageHeader = 24;
    private const int ContinuesRecord = 1; // XLP_FIRST_IS_CONTRECORD
    private const int IsLong = 2; // XLP_LONG_HEADER
    private const int AbandonsRecord = 8; // XLP_FIRST_IS_OVERWRITE_CONTRECORD: what the page before began was torn by a crash, and given up
    private const int LogManager = 0; // RM_XLOG_ID
    private const int SwitchOfSegments = 0x40; // XLOG_SWITCH
    private readonly byte[] _header = new byte[RecordHeader];
    private Lsn _page;
    private Lsn _record; // where the record that is read begins; zero for one that began before the segment
    private int _pageSize;
    private ushort _magic;
    private uint _left; // bytes of the record that are still to come
    private int _headerRead;
    private uint _checksum;
    private Lsn? _end;
    private bool _switched;

    /// <summary>Takes in the segment's next bytes: each time whole pages, up to the segment's end.</summary>
    /// <exception cref="InvalidDataException">A record or a page is damaged; the text names its position.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_pageSize == 0 && !TryBegin(bytes))
        {
            throw new InvalidDataException("Its first page has no valid header.");
        }

        for (; bytes.Length >= _pageSize && !_switched; bytes = bytes[_pageSize..])
        {
            Take(bytes[.._pageSize]);
            _page += _pageSize;
        }
    }

    private bool TryBegin(ReadOnlySpan<byte> first)
    {
        if (first.Length < WalPageHeader.Size)
        {
            return false;
        }

        uint size = BinaryPrimitives.ReadUInt32LittleEndian(first[36..]); // xlp_xlog_blcksz
        var header = WalPageHeader.Read(first);
        (_magic, _page) = (header.Magic, header.Address);
        _pageSize = size is >= 1024 and <= 65536 && (size & (size - 1)) == 0 ? (int)size : 0;
        return _pageSize > 0;
    }

    private void Take(ReadOnlySpan<byte> page)
    {
        bool isWritten = BinaryPrimitives.ReadUInt16LittleEndian(page) == _magic && AddressOf(page) == _page;
        if (_end is { } end)
        {
            if (isWritten)
            {
                throw new InvalidDataException($"It holds nothing at {end}, although records follow at {_page}.");
            }
        }
        else if (isWritten)
        {
            Walk(page);
        }
        else if (IsUnused(page))
        {
            _end = _page;
        }
        else
        {
            throw new InvalidDataException($"The page at {_page} has a damaged header.");
        }
    }

    // Never written, or what a recycled file held before.
    private bool IsUnused(ReadOnlySpan<byte> page) =>
        !page[..ShortPageHeader].ContainsAnyExcept((byte)0) || (BinaryPrimitives.ReadUInt16LittleEndian(page) == _magic && AddressOf(page) < _page);

    private static Lsn AddressOf(ReadOnlySpan<byte> page) => new(BinaryPrimitives.ReadUInt64LittleEndian(page[8..]));

    private void Walk(ReadOnlySpan<byte> page)
    {
        int flags = BinaryPrimitives.ReadUInt16LittleEndian(page[2..]);
        Continue(flags, BinaryPrimitives.ReadUInt32LittleEndian(page[16..]));
        int at = (flags & IsLong) != 0 ? WalPageHeader.Size : ShortPageHeader;
        while (at < _pageSize && !_switched)
        {
            if (_left == 0)
            {
                uint length = BinaryPrimitives.ReadUInt32LittleEndian(page[at..]);
                if (length == 0)
                {
                    EndAt(page, at);
                    return;
                }

                Begin(_page + at, length);
            }

            int count = (int)Math.Min(_left, (uint)(_pageSize - at));
            TakeRecord(page.Slice(at, count));
            at = (at + count + 7) & ~7; // MAXALIGN
        }
    }

    // What the page's header says of the record that crosses its beginning must fit what was read of it.
    private void Continue(int flags, uint remaining)
    {
        if ((flags & AbandonsRecord) != 0)
        {
            _left = 0;
            return;
        }

        bool continues = (flags & ContinuesRecord) != 0;
        bool isFirst = (flags & IsLong) != 0;
        if (isFirst && continues)
        {
            (_left, _record) = (remaining, Lsn.Zero);
        }
        else if (continues ? remaining != _left || _left == 0 : _left != 0)
        {
            throw new InvalidDataException(_left != 0
                ? $"The record that crosses {_page} does not go on there as it began."
                : $"The page at {_page} continues a record, and none crosses its beginning.");
        }
    }

    private void Begin(Lsn position, uint length)
    {
        if (length < RecordHeader)
        {
            throw Damaged(position);
        }

        (_record, _left, _headerRead, _checksum) = (position, length, 0, ~0u);
    }

    private void TakeRecord(ReadOnlySpan<byte> bytes)
    {
        _left -= (uint)bytes.Length;
        if (_record == Lsn.Zero)
        {
            return;
        }

        int ofHeader = Math.Min(RecordHeader - _headerRead, bytes.Length);
        bytes[..ofHeader].CopyTo(_header.AsSpan(_headerRead));
        _headerRead += ofHeader;
        _checksum = SegmentChecksum.Append(_checksum, bytes[ofHeader..]);
        if (_left > 0)
        {
            return;
        }

        // First the data, then the header up to the checksum itself.
        if (~SegmentChecksum.Append(_checksum, _header.AsSpan(0, ChecksumAt)) != BinaryPrimitives.ReadUInt32LittleEndian(_header.AsSpan(ChecksumAt)))
        {
            throw Damaged(_record);
        }

        _switched = _header[17] == LogManager && (_header[16] & 0xF0) == SwitchOfSegments;
    }

    private void EndAt(ReadOnlySpan<byte> page, int at)
    {
        _end = _page + at;
        if (page[at..].ContainsAnyExcept((byte)0))
        {
            throw Damaged(_page + at);
        }
    }

    private static InvalidDataException Damaged(Lsn record) => new($"The record at {record} does not match its checksum.");
}
