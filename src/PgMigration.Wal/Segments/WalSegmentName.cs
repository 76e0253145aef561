using System.Buffers;
using System.Globalization;

namespace PgMigration.Wal;

/// <summary>The name of one WAL segment: 8 hexadecimal digits of timeline, 8 of log, 8 of segment, as in <c>00000001000000A300000029</c>.</summary>
/// <remarks>
/// Which bytes of the log a name stands for depends on the cluster's segment size (16 MB unless initdb was told otherwise).
/// Source: XLogFileName and XLogFromFileName in PostgreSQL's src/include/access/xlog_internal.h.
/// </remarks>
/// <param name="Timeline">The timeline in the name.</param>
/// <param name="Log">The middle eight digits.</param>
/// <param name="Segment">The last eight digits.</param>
public readonly record struct WalSegmentName(uint Timeline, uint Log, uint Segment)
{
    /// <summary>The segment size that initdb chooses when nothing else is said: 16 MB.</summary>
    public const int DefaultSize = 16 * 1024 * 1024;

    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789ABCDEF");

    /// <summary>Reads a name of exactly 24 hexadecimal digits.</summary>
    /// <exception cref="FormatException">The text is not a segment's name.</exception>
    public static WalSegmentName Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out var name) ? name : throw new FormatException($"'{text}' is not the name of a WAL segment; expected 24 hexadecimal digits.");

    /// <summary>Reads a name of exactly 24 hexadecimal digits; false for anything else.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out WalSegmentName name)
    {
        name = default;
        if (text.Length != 24 || text.ContainsAnyExcept(Digits))
        {
            return false;
        }

        name = new WalSegmentName(Hex(text[..8]), Hex(text[8..16]), Hex(text[16..]));
        return true;

        static uint Hex(ReadOnlySpan<char> digits) => uint.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
    }

    /// <summary>The segment of a timeline in which a position lies.</summary>
    /// <param name="timeline">The timeline.</param>
    /// <param name="position">Any position in the segment.</param>
    /// <param name="segmentSize">The cluster's segment size in bytes.</param>
    public static WalSegmentName Containing(uint timeline, Lsn position, int segmentSize)
    {
        ulong number = position.Position / (ulong)segmentSize;
        ulong perLog = SegmentsPerLog(segmentSize);
        return new WalSegmentName(timeline, (uint)(number / perLog), (uint)(number % perLog));
    }

    /// <summary>The position of the segment's first byte.</summary>
    /// <param name="segmentSize">The cluster's segment size in bytes.</param>
    public Lsn Start(int segmentSize) => new(((Log * SegmentsPerLog(segmentSize)) + Segment) * (ulong)segmentSize);

    /// <summary>The segment that follows on the same timeline.</summary>
    /// <param name="segmentSize">The cluster's segment size in bytes.</param>
    public WalSegmentName Next(int segmentSize) => Containing(Timeline, Start(segmentSize) + segmentSize, segmentSize);

    /// <summary>The 24 hexadecimal digits.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Timeline:X8}{Log:X8}{Segment:X8}");

    private static ulong SegmentsPerLog(int segmentSize) => 0x1_0000_0000UL / (ulong)segmentSize;
}
