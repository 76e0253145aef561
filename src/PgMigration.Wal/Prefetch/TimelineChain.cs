namespace PgMigration.Wal;

/// <summary>A timeline and those it came from, newest first, each with the position from which on it counts.</summary>
/// <remarks>What PostgreSQL keeps as expectedTLEs: it asks for each segment on the newest timeline that has begun, then on older ones.</remarks>
internal sealed class TimelineChain
{
    private readonly IReadOnlyList<(uint Timeline, Lsn Begin)> _newestFirst;

    private TimelineChain(IReadOnlyList<(uint Timeline, Lsn Begin)> newestFirst) => _newestFirst = newestFirst;

    /// <summary>The newest timeline: the one that is followed.</summary>
    public uint Newest => _newestFirst[0].Timeline;

    /// <summary>All of its timelines, newest first.</summary>
    public IEnumerable<uint> Timelines => _newestFirst.Select(entry => entry.Timeline);

    /// <summary>The chain of a timeline by its history; without one it stands alone, like the first timeline.</summary>
    public static TimelineChain Of(uint timeline, TimelineHistory? history)
    {
        var oldestFirst = new List<(uint, Lsn)>();
        var begin = Lsn.Zero;
        foreach (var (ancestor, end) in history?.Ancestors ?? [])
        {
            oldestFirst.Add((ancestor, begin));
            begin = end;
        }

        oldestFirst.Add((timeline, begin));
        oldestFirst.Reverse();
        return new TimelineChain(oldestFirst);
    }

    /// <summary>Whether the timeline is one of the chain.</summary>
    public bool Contains(uint timeline) => _newestFirst.Any(entry => entry.Timeline == timeline);

    /// <summary>Whether a server that has replayed the timeline up to a position can follow this chain: it must not have passed the fork.</summary>
    public bool CanBeFollowedFrom(uint timeline, Lsn position)
    {
        for (int i = 0; i < _newestFirst.Count; i++)
        {
            if (_newestFirst[i].Timeline == timeline)
            {
                return i == 0 || _newestFirst[i - 1].Begin >= position;
            }
        }

        return false;
    }

    /// <summary>The segment in which a position lies, on the newest timeline that has begun by the segment's end.</summary>
    public WalSegmentName SegmentAt(Lsn position, int segmentSize)
    {
        var oldest = WalSegmentName.Containing(_newestFirst[^1].Timeline, position, segmentSize);
        var end = oldest.Start(segmentSize) + segmentSize;
        uint timeline = _newestFirst.First(entry => entry.Begin < end || entry.Timeline == oldest.Timeline).Timeline;
        return oldest with { Timeline = timeline };
    }
}
