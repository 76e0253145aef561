namespace PgMigration.Wal;

/// <summary>Which segments PostgreSQL will ask for next: the position and the timelines that it follows, learnt from what it asks for.</summary>
/// <remarks>
/// A segment of an older timeline, where a newer one has begun, is refused once: PostgreSQL would replay beyond the fork and could never
/// follow the newer timeline then. It looks for newer timelines after each refusal; when it asks for the same segment again without having
/// asked for the newer one's, it was told to stay (<c>recovery_target_timeline</c>), and gets it.
/// </remarks>
internal sealed class Route
{
    private readonly ArchiveView _view;
    private readonly int _segmentSize;
    private WalSegmentName? _refused;

    /// <summary>A route that begins with a segment.</summary>
    public Route(WalSegmentName first, ArchiveView view, int segmentSize)
    {
        _view = view;
        _segmentSize = segmentSize;
        Position = first.Start(segmentSize);
        Chain = view.ChainOf(first.Timeline);
    }

    /// <summary>The beginning of the segment that will be asked for next.</summary>
    public Lsn Position { get; private set; }

    /// <summary>The timelines that are followed.</summary>
    public TimelineChain Chain { get; private set; }

    /// <summary>PostgreSQL asks for a segment. Returns whether it may have it.</summary>
    public bool MayHave(WalSegmentName name)
    {
        Position = name.Start(_segmentSize);
        if (!Chain.Contains(name.Timeline))
        {
            Chain = NewestFrom(name);
        }

        if (name.Timeline < Chain.SegmentAt(Position, _segmentSize).Timeline)
        {
            if (_refused != name)
            {
                _refused = name;
                return false;
            }

            Chain = _view.ChainOf(name.Timeline);
        }

        _refused = null;
        return true;
    }

    /// <summary>A segment was handed out: the one after it is next.</summary>
    public void Passed(WalSegmentName name) => Position = name.Start(_segmentSize) + _segmentSize;

    /// <summary>A history has appeared in the archive: follow it if it continues what was replayed.</summary>
    public void HistoryAppeared() => Chain = NewestFrom(Chain.SegmentAt(Position, _segmentSize));

    /// <summary>The segments from the position on.</summary>
    public IEnumerable<WalSegmentName> Ahead(int count) =>
        Enumerable.Range(0, count).Select(i => Chain.SegmentAt(Position + (i * (long)_segmentSize), _segmentSize));

    private TimelineChain NewestFrom(WalSegmentName name) =>
        _view.TimelinesNewestFirst
            .Where(timeline => timeline > name.Timeline)
            .Select(_view.ChainOf)
            .FirstOrDefault(chain => chain.CanBeFollowedFrom(name.Timeline, name.Start(_segmentSize)))
        ?? _view.ChainOf(name.Timeline);
}
