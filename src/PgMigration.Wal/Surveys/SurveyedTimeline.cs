namespace PgMigration.Wal;

/// <summary>What a listing showed of one timeline, in 32 bytes a segment: half a million of them are nothing.</summary>
/// <param name="timeline">Its number.</param>
/// <param name="isEncrypted">Whether its objects are encrypted: then no length shows a segment, since encryption adds to it, and gpg also compresses.</param>
internal sealed class SurveyedTimeline(uint timeline, bool isEncrypted = false)
{
    private readonly List<Stored> _segments = [];
    private readonly List<(int Index, ArchiveObject Object)> _archived = [];
    private int _historyRank;

    /// <summary>Its number.</summary>
    public uint Timeline { get; } = timeline;

    /// <summary>Its segments in the order of their names; one that is there with two codecs, twice.</summary>
    public IReadOnlyList<Stored> Segments => _segments;

    /// <summary>The object that holds its history; null when none was seen.</summary>
    public string? HistoryObject { get; private set; }

    /// <summary>The names of its partial segments.</summary>
    public List<string> Partial { get; } = [];

    /// <summary>The objects that cannot be read, or of which the listing does not tell it, in the order of their names.</summary>
    public IEnumerable<ArchiveObject> Archived => _archived.Select(archived => archived.Object);

    /// <summary>The object of a segment that cannot be read.</summary>
    public ArchiveObject ArchivedAt(Stored segment)
    {
        int low = 0;
        for (int high = _archived.Count - 1; low < high;)
        {
            int middle = (low + high) / 2;
            (low, high) = _segments[_archived[middle].Index].Place < segment.Place ? (middle + 1, high) : (low, middle);
        }

        return _archived[low].Object;
    }

    /// <summary>Takes in what a look at the single objects told, by their names; of the others it is assumed that they lie as their class says.</summary>
    public void Resolve(IReadOnlyDictionary<string, ArchiveObject> looked)
    {
        for (int i = 0; i < _archived.Count; i++)
        {
            var (index, stored) = _archived[i];
            stored = looked.GetValueOrDefault(stored.Name, stored);
            if (stored.State == ArchivedState.Unknown)
            {
                stored = stored with { State = ArchivedObjects.IsTiered(stored) ? ArchivedState.Readable : ArchivedState.Archived };
            }

            _archived[i] = (index, stored);
            _segments[index] = _segments[index] with { State = stored.State };
        }
    }

    /// <summary>Whether anything of it was seen.</summary>
    public bool IsEmpty => _segments.Count == 0 && Partial.Count == 0 && HistoryObject is null;

    /// <summary>Takes in an object: a segment, a partial one, the history. Returns the segment's place among all names; null for anything else.</summary>
    public ulong? Add(ArchiveObject found)
    {
        if (!WalObjectName.TryParse(found.Name, out var name))
        {
            return null;
        }

        switch (name.Kind)
        {
            case WalObjectKind.History when HistoryObject is null || name.Rank < _historyRank:
                (HistoryObject, _historyRank) = (found.Name, name.Rank);
                return null;
            case WalObjectKind.PartialSegment:
                Partial.Add(found.Name[SegmentStore.Folder.Length..]);
                return null;
            case WalObjectKind.Segment:
                long length = name.Codec is null ? Stored.Unsupported : name.Codec == Codec.None && !isEncrypted ? ~found.Length : found.Length;
                var stored = new Stored(Place(name.Segment), length, found.LastModified.UtcTicks, found.State);
                if (found.State != ArchivedState.Readable)
                {
                    _archived.Add((_segments.Count, found));
                }

                _segments.Add(stored);
                return stored.Place;
            default:
                return null;
        }
    }

    /// <summary>Takes in what was listed behind it.</summary>
    public void Append(SurveyedTimeline behind)
    {
        _archived.AddRange(behind._archived.Select(archived => (archived.Index + _segments.Count, archived.Object)));
        _segments.AddRange(behind._segments);
        Partial.AddRange(behind.Partial);
        HistoryObject ??= behind.HistoryObject;
    }

    /// <summary>A segment's place among the names of its timeline: log and segment.</summary>
    public static ulong Place(WalSegmentName name) => ((ulong)name.Log << 32) | name.Segment;

    /// <summary>A segment as a listing shows it.</summary>
    /// <param name="Place">Log and segment.</param>
    /// <param name="SignedLength">Stored bytes; their complement where the object is the plain segment; <see cref="Unsupported"/> where its codec is not supported.</param>
    /// <param name="Ticks">When it was stored, in UTC.</param>
    /// <param name="State">Whether it can be read.</param>
    internal readonly record struct Stored(ulong Place, long SignedLength, long Ticks, ArchivedState State = ArchivedState.Readable)
    {
        /// <summary>Stands for the length of an object whose codec is not supported.</summary>
        public const long Unsupported = long.MinValue;

        public bool IsUnsupported => SignedLength == Unsupported;

        public long Length => IsUnsupported ? 0 : SignedLength < 0 ? ~SignedLength : SignedLength;

        public DateTimeOffset At => new(Ticks, TimeSpan.Zero);

        /// <summary>Whether the length or the codec alone shows that no segment can be read from it.</summary>
        public bool IsDamaged(int segmentSize) => Length == 0 || (SignedLength < 0 && Length != segmentSize);

        public WalSegmentName Name(uint timeline) => new(timeline, (uint)(Place >> 32), (uint)Place);

        /// <summary>Which segment it is, counted from the beginning of the log.</summary>
        public ulong Number(int segmentSize) => ((Place >> 32) * (0x1_0000_0000UL / (ulong)segmentSize)) + (uint)Place;
    }
}
