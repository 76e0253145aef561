using System.Globalization;

namespace PgMigration.Wal;

/// <summary>What a listing showed of one timeline, in 24 bytes a segment: half a million of them are nothing.</summary>
/// <param name="timeline">Its number.</param>
/// <param name="isEncrypted">Whether its objects are encrypted: then no length shows a segment, since encryption adds to it, and gpg also compresses.</param>
internal sealed class SurveyedTimeline(uint timeline, bool isEncrypted = false)
{
    private readonly List<Stored> _segments = [];

    /// <summary>Its number.</summary>
    public uint Timeline { get; } = timeline;

    /// <summary>Its segments in the order of their names; one that is there with two codecs, twice.</summary>
    public IReadOnlyList<Stored> Segments => _segments;

    /// <summary>The object that holds its history; null when none was seen.</summary>
    public string? HistoryObject { get; private set; }

    /// <summary>The names of its partial segments.</summary>
    public List<string> Partial { get; } = [];

    /// <summary>The timeline of an object of <see cref="SegmentStore.Folder"/>; null when its name begins with none.</summary>
    public static uint? TimelineOf(string objectName) =>
        objectName.Length >= SegmentStore.Folder.Length + 8
        && uint.TryParse(objectName.AsSpan(SegmentStore.Folder.Length, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint timeline) ? timeline : null;

    /// <summary>Takes in an object: a segment, a partial one, the history. Returns the segment's place among all names; null for anything else.</summary>
    public ulong? Add(ArchiveObject found)
    {
        var name = found.Name.AsSpan(SegmentStore.Folder.Length);
        if (name[8..].StartsWith(".history"))
        {
            HistoryObject = found.Name;
            return null;
        }

        if (name.Length < 24 || !WalSegmentName.TryParse(name[..24], out var segment))
        {
            return null;
        }

        var rest = name[24..];
        if (rest.StartsWith(".partial"))
        {
            Partial.Add(found.Name[SegmentStore.Folder.Length..]);
            return null;
        }

        if (rest.Length > 0 && (rest[0] != '.' || rest[1..].Contains('.')))
        {
            return null; // a backup's note
        }

        var stored = new Stored(Place(segment), rest.Length == 0 && !isEncrypted ? ~found.Length : found.Length, found.LastModified.UtcTicks);
        _segments.Add(stored);
        return stored.Place;
    }

    /// <summary>Takes in what was listed behind it.</summary>
    public void Append(SurveyedTimeline behind)
    {
        _segments.AddRange(behind._segments);
        Partial.AddRange(behind.Partial);
        HistoryObject ??= behind.HistoryObject;
    }

    /// <summary>A segment's place among the names of its timeline: log and segment.</summary>
    public static ulong Place(WalSegmentName name) => ((ulong)name.Log << 32) | name.Segment;

    /// <summary>A segment as a listing shows it.</summary>
    /// <param name="Place">Log and segment.</param>
    /// <param name="SignedLength">Stored bytes; their complement where the object is the plain segment.</param>
    /// <param name="Ticks">When it was stored, in UTC.</param>
    internal readonly record struct Stored(ulong Place, long SignedLength, long Ticks)
    {
        public long Length => SignedLength < 0 ? ~SignedLength : SignedLength;

        public DateTimeOffset At => new(Ticks, TimeSpan.Zero);

        /// <summary>Whether the length alone shows that it is no segment.</summary>
        public bool IsDamaged(int segmentSize) => Length == 0 || (SignedLength < 0 && Length != segmentSize);

        public WalSegmentName Name(uint timeline) => new(timeline, (uint)(Place >> 32), (uint)Place);

        /// <summary>Which segment it is, counted from the beginning of the log.</summary>
        public ulong Number(int segmentSize) => ((Place >> 32) * (0x1_0000_0000UL / (ulong)segmentSize)) + (uint)Place;
    }
}
