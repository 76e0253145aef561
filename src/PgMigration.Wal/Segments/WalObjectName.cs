using System.Buffers;
using System.Globalization;

namespace PgMigration.Wal;

/// <summary>What the name of an object of <c>wal_005/</c> tells. Surveys, restores and the prefetcher all read such names here.</summary>
/// <remarks>
/// WAL-G and WAL-E write PostgreSQL's name, a dot, and the codec's extension. With WALG_COMPRESSION_METHOD=none the extension is empty and
/// the dot stays: <c>000000010000000000000002.</c>. A plain copy has no dot. Everything else in the folder is not WAL and is ignored: names in
/// lower case, which no server asks for, unfinished copies, checksum files, WAL-G's <c>…_delta</c> maps, and subfolders.
/// </remarks>
/// <param name="Kind">What the object holds.</param>
/// <param name="Timeline">The timeline in the name.</param>
/// <param name="Segment">The segment in the name; the default for a history.</param>
/// <param name="Codec">How it is compressed; null when that is not supported, as with <c>.xz</c>.</param>
/// <param name="BareLength">How many characters PostgreSQL's own name has.</param>
public readonly record struct WalObjectName(WalObjectKind Kind, uint Timeline, WalSegmentName Segment, ICodec? Codec, int BareLength)
{
    private const int SegmentLength = 24;
    private const string PartialEnding = ".partial";
    private const string HistoryEnding = ".history";
    private const string NoteEnding = ".backup";
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789ABCDEF");

    /// <summary>Which of several objects with the same content is read first: smaller is better. Those that cannot be read come last.</summary>
    public int Rank => Codec is null ? int.MaxValue : Wal.Codec.RankOf(Codec);

    /// <summary>Takes a name apart; false when the object is not WAL.</summary>
    /// <param name="objectName">With or without its folder.</param>
    /// <param name="name">What it tells.</param>
    public static bool TryParse(ReadOnlySpan<char> objectName, out WalObjectName name)
    {
        name = default;
        var text = InFolder(objectName);
        if (TimelineOf(text) is not { } timeline)
        {
            return false;
        }

        WalObjectKind kind;
        int length;
        WalSegmentName segment = default;
        if (text[8..].StartsWith(HistoryEnding))
        {
            (kind, length) = (WalObjectKind.History, 8 + HistoryEnding.Length);
        }
        else if (text.Length >= SegmentLength && WalSegmentName.TryParse(text[..SegmentLength], out segment))
        {
            (kind, length) = KindOf(text[SegmentLength..]);
        }
        else
        {
            return false;
        }

        if (!Wal.Codec.TryReadEnding(text[length..], out var codec))
        {
            return false;
        }

        name = new WalObjectName(kind, timeline, segment, codec, length);
        return true;
    }

    /// <summary>The timeline with which a name begins, in eight upper-case hexadecimal digits; null when it does not.</summary>
    /// <param name="objectName">With or without its folder.</param>
    public static uint? TimelineOf(ReadOnlySpan<char> objectName)
    {
        var text = InFolder(objectName);
        return text.Length >= 8 && !text[..8].ContainsAnyExcept(Digits) ? uint.Parse(text[..8], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) : null;
    }

    /// <summary>PostgreSQL's own name: without folder and extension.</summary>
    /// <param name="objectName">The name that was taken apart.</param>
    public string BareName(string objectName) => InFolder(objectName)[..BareLength].ToString();

    private static ReadOnlySpan<char> InFolder(ReadOnlySpan<char> objectName) =>
        objectName.StartsWith(SegmentStore.Folder) ? objectName[SegmentStore.Folder.Length..] : objectName;

    private static (WalObjectKind Kind, int Length) KindOf(ReadOnlySpan<char> rest)
    {
        const int NoteLength = 1 + 8 + 7; // .00000028.backup
        if (rest.StartsWith(PartialEnding))
        {
            return (WalObjectKind.PartialSegment, SegmentLength + PartialEnding.Length);
        }

        bool isNote = rest.Length >= NoteLength && rest[0] == '.' && !rest[1..9].ContainsAnyExcept(Digits) && rest[9..].StartsWith(NoteEnding);
        return isNote ? (WalObjectKind.BackupNote, SegmentLength + NoteLength) : (WalObjectKind.Segment, SegmentLength);
    }
}
