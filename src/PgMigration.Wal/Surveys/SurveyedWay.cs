using System.Globalization;

namespace PgMigration.Wal;

/// <summary>The way from a backup to now, walked along the timelines: where it is broken, and how far it goes.</summary>
/// <remarks>
/// As PostgreSQL goes it: the newest timeline that continues what the backup holds, and each segment on the newest timeline that has begun
/// by the segment's end. A segment that an old primary went on to write beyond a fork counts for nothing.
/// </remarks>
internal sealed class SurveyedWay
{
    private readonly int _segmentSize;
    private readonly List<WalGap> _gaps = [];

    private readonly string _archive;

    private SurveyedWay(int segmentSize, string archive)
    {
        _segmentSize = segmentSize;
        _archive = archive;
    }

    /// <summary>What is missing, in the order of the way.</summary>
    public IReadOnlyList<WalGap> Gaps => _gaps;

    /// <summary>Segments that are there, in the order of the way, gaps left out.</summary>
    public List<(WalSegmentName Name, SurveyedTimeline.Stored Stored)> Segments { get; } = [];

    /// <summary>The timelines that it leads over, oldest first.</summary>
    public IReadOnlyList<uint> Timelines { get; private init; } = [];

    /// <summary>How many of the segments lie before the first gap.</summary>
    public int Reachable { get; private set; }

    /// <summary>Walks the way.</summary>
    /// <param name="first">The backup's first segment.</param>
    /// <param name="start">Where the backup begins, in it.</param>
    /// <param name="finish">Where the backup ends: up to there the way must be, whatever the archive holds.</param>
    /// <param name="listed">What was listed.</param>
    /// <param name="histories">The histories that the archive holds.</param>
    /// <param name="segmentSize">The cluster's segment size.</param>
    /// <param name="archive">The archive's address.</param>
    public static SurveyedWay Walk(WalSegmentName first, Lsn start, Lsn finish, IReadOnlyList<SurveyedTimeline> listed, IReadOnlyDictionary<uint, TimelineHistory> histories, int segmentSize, string archive)
    {
        uint newest = histories.Keys.OrderDescending().FirstOrDefault(timeline => timeline > first.Timeline && histories[timeline].Contains(first.Timeline, start), first.Timeline);
        var ancestors = histories.TryGetValue(newest, out var history) ? history.Ancestors : [];

        // each timeline with the number of the first segment that is looked for on it
        var stages = new List<(uint Timeline, ulong Begin)>();
        ulong begin = first.Start(segmentSize).Position / (ulong)segmentSize;
        foreach (var (timeline, left) in ancestors.SkipWhile(ancestor => ancestor.Timeline < first.Timeline))
        {
            stages.Add((timeline, begin));
            begin = Math.Max(begin, left.Position / (ulong)segmentSize);
        }

        stages.Add((newest, begin));
        var way = new SurveyedWay(segmentSize, archive) { Timelines = [.. stages.Select(stage => stage.Timeline)] };
        for (int i = 0; i < stages.Count; i++)
        {
            way.Pass(listed.FirstOrDefault(timeline => timeline.Timeline == stages[i].Timeline) ?? new SurveyedTimeline(stages[i].Timeline),
                stages[i].Begin, i + 1 < stages.Count ? stages[i + 1].Begin : null, (finish + -1).Position / (ulong)segmentSize);
        }

        way.Reachable = way._gaps.Count == 0 ? way.Segments.Count : way.Segments.FindIndex(segment => segment.Name.Start(segmentSize) >= way._gaps[0].First.Start(segmentSize)) is >= 0 and var at ? at : way.Segments.Count;
        foreach (var beyond in listed.Where(timeline => timeline.Timeline > newest && timeline.Segments.Count > 0 && timeline.HistoryObject is null))
        {
            way.AddUnknown(beyond);
        }

        return way;
    }

    /// <summary>Goes over one timeline.</summary>
    /// <param name="timeline">What was listed of it.</param>
    /// <param name="begin">The first segment, counted from the beginning of the log.</param>
    /// <param name="end">The segment where the next timeline takes over; null for the last timeline, which ends with its last segment.</param>
    /// <param name="needed">The segment that must be there, although nothing follows it.</param>
    private void Pass(SurveyedTimeline timeline, ulong begin, ulong? end, ulong needed)
    {
        ulong expected = begin;
        SurveyedTimeline.Stored? damaged = null;
        var archived = new ArchivedRun();
        foreach (var stored in timeline.Segments)
        {
            ulong number = stored.Number(_segmentSize);
            if (number < expected)
            {
                continue; // before the way, or the same one with another codec
            }

            if (number >= end)
            {
                break;
            }

            if (stored.IsDamaged(_segmentSize))
            {
                damaged ??= stored.Number(_segmentSize) == expected ? stored : null;
                continue; // another object may hold the same segment
            }

            if (stored.State != ArchivedState.Readable)
            {
                archived.Add(timeline, stored, number);
                continue; // the same, for another codec
            }

            if (number > expected)
            {
                AddGap(timeline.Timeline, expected, number - 1, damaged, stored.At, archived);
            }

            damaged = null;
            archived = new ArchivedRun();
            Segments.Add((stored.Name(timeline.Timeline), stored));
            expected = number + 1;
        }

        if (end is { } limit && expected < limit)
        {
            AddGap(timeline.Timeline, expected, limit - 1, damaged, null, archived);
        }
        else if (end is null && (expected <= needed || damaged is not null || archived.First is not null))
        {
            AddGap(timeline.Timeline, expected, Math.Max(Math.Max(expected, needed), archived.Last), damaged, null, archived);
        }
    }

    private void AddGap(uint timeline, ulong from, ulong to, SurveyedTimeline.Stored? damaged, DateTimeOffset? after, ArchivedRun archived)
    {
        var first = Name(timeline, from);
        var last = Name(timeline, to);
        string which = from == to ? $"{first}" : string.Create(CultureInfo.InvariantCulture, $"{first} to {last} ({to - from + 1} segments)");
        bool isUnsupported = damaged is { IsUnsupported: true };
        bool isDamaged = isUnsupported || (damaged is not null && from == to);
        bool isArchived = archived.Count == (long)(to - from) + 1;
        _gaps.Add(new WalGap
        {
            Kind = isArchived ? WalGapKind.Archived : isDamaged ? WalGapKind.Damaged : WalGapKind.Missing,
            First = first,
            Last = last,
            Segments = (long)(to - from) + 1,
            Before = Segments.Count > 0 ? Segments[^1].Stored.At : null,
            After = after,
            Detail = isArchived ? $"{which} cannot be read: {archived.Describe(_archive)} Replay ends before it."
                : isUnsupported ? $"The archive holds {first} only with an extension that is not supported: replay ends before it. Expected .lz4, .zst, .br, .lzma, .lzo, .gz or none: store it again."
                : isDamaged
                ? string.Create(CultureInfo.InvariantCulture, $"The object of {which} holds {damaged!.Value.Length} bytes, which cannot be a segment: replay ends before it. Archive that segment again.")
                : $"The archive does not hold {which}: replay ends before it. Archive it again while the source still has it, or take a new backup.{(archived.Count > 0 ? string.Create(CultureInfo.InvariantCulture, $" {archived.Count} of these segments are there, but cannot be read: {archived.Describe(_archive)}") : string.Empty)}",
        });
    }

    private void AddUnknown(SurveyedTimeline timeline)
    {
        var first = timeline.Segments[0].Name(timeline.Timeline);
        _gaps.Add(new WalGap
        {
            Kind = WalGapKind.History,
            First = first,
            Last = first,
            Segments = 0,
            Before = Segments.Count > 0 ? Segments[^1].Stored.At : null,
            After = timeline.Segments[0].At,
            Detail = $"The archive holds segments of timeline {timeline.Timeline.ToString(CultureInfo.InvariantCulture)} from {first} on, but no {TimelineHistory.FileName(timeline.Timeline)}: no server finds the way there. Archive the history from the source's pg_wal.",
        });
    }

    private WalSegmentName Name(uint timeline, ulong number) => WalSegmentName.Containing(timeline, new Lsn(number * (ulong)_segmentSize), _segmentSize);
}
