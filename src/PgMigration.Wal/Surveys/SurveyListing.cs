using System.Globalization;

namespace PgMigration.Wal;

/// <summary>Lists the WAL of an archive from a backup's first segment on: a folder in one pass, a bucket in many ranges at once.</summary>
/// <remarks>
/// A bucket shows a thousand names an answer, so half a million one after the other would take a minute. How far a timeline goes is found
/// by asking, all at the same time, for names twice, four times, eight times … as far; then the ranges are listed beside each other.
/// </remarks>
/// <param name="storage">The archive.</param>
/// <param name="observer">Sees how far it is.</param>
/// <param name="inOneGo">So many names of a timeline are listed one after the other: fewer are there before the first probes would be back.</param>
internal sealed class SurveyListing(IArchiveStorage storage, IMigrationObserver observer, int inOneGo = 2000)
{
    private const string Folder = SegmentStore.Folder;

    // Greater than every character that names hold.
    private const string AfterAll = "~";

    private const int Ranges = 96;
    private const int Parallelism = 32;
    private readonly SortedDictionary<uint, SurveyedTimeline> _timelines = [];
    private WalSegmentName _first;
    private long _listed;

    /// <summary>How many objects were seen.</summary>
    public long Listed => Interlocked.Read(ref _listed);

    /// <summary>The object of the segment from which the listing began; null when there is none.</summary>
    public string? FirstObject { get; private set; }

    /// <summary>Lists the timelines from the segment's on, each from the segment's place on.</summary>
    public async Task<IReadOnlyList<SurveyedTimeline>> RunAsync(WalSegmentName first, CancellationToken cancel)
    {
        _first = first;
        if (storage.Url.StartsWith("s3://", StringComparison.Ordinal))
        {
            await ListBucketAsync(first, cancel);
        }
        else
        {
            await ListFolderAsync(first, cancel);
        }

        return [.. _timelines.Values.Where(timeline => !timeline.IsEmpty)];
    }

    private async Task ListFolderAsync(WalSegmentName first, CancellationToken cancel)
    {
        await foreach (var found in storage.ListAsync(Folder, Folder + Hex(first.Timeline), cancel))
        {
            Note(found.Name);
            if (WalObjectName.TimelineOf(found.Name) is { } timeline && timeline >= first.Timeline && !IsBefore(found.Name, first))
            {
                _ = Of(timeline).Add(found);
            }
        }
    }

    private async Task ListBucketAsync(WalSegmentName first, CancellationToken cancel)
    {
        string after = Folder + Hex(first.Timeline);
        uint expected = first.Timeline; // each round reaches a later one, whatever the names are
        while (await storage.FirstTimelineAfterAsync(after, cancel) is { } timeline && timeline >= expected)
        {
            var found = Of(timeline);
            await foreach (var history in storage.ListAsync(Folder + TimelineHistory.FileName(timeline), cancel: cancel))
            {
                _ = found.Add(history);
            }

            await ListTimelineAsync(found, SurveyedTimeline.Place(first), cancel);
            if (timeline == uint.MaxValue)
            {
                break;
            }

            expected = timeline + 1;
            after = Folder + Hex(expected); // greater than whatever begins with the timeline
        }
    }

    private async Task ListTimelineAsync(SurveyedTimeline timeline, ulong place, CancellationToken cancel)
    {
        string after = Folder + Hex(timeline.Timeline) + (place == 0 ? "/" : Name(place - 1) + AfterAll); // '/' sorts behind the dot of the history
        ulong reached = place;
        int count = 0;
        await foreach (var found in storage.ListAsync(Folder + Hex(timeline.Timeline), after, cancel))
        {
            Note(found.Name);
            reached = timeline.Add(found) ?? reached;
            after = found.Name;
            if (++count == inOneGo)
            {
                await ListRestAsync(timeline, after, (uint)(reached >> 32), cancel);
                return;
            }
        }
    }

    private async Task ListRestAsync(SurveyedTimeline timeline, string after, uint log, CancellationToken cancel)
    {
        uint end = await FindEndAsync(timeline.Timeline, log, cancel);
        uint step = Math.Max(1, (end - log + Ranges - 1) / Ranges);
        var ranges = new List<(string After, uint? End, SurveyedTimeline Found)>();
        for (uint begin = log; begin < end; begin = begin > uint.MaxValue - step ? end : begin + step)
        {
            bool isLast = begin >= end - Math.Min(step, end);
            ranges.Add((begin == log ? after : Folder + Hex(timeline.Timeline) + Hex(begin), isLast ? null : begin + step, New(timeline.Timeline)));
        }

        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancel };
        await Parallel.ForEachAsync(ranges, options, async (range, token) =>
        {
            string? stop = range.End is { } limit ? Folder + Hex(timeline.Timeline) + Hex(limit) : null;
            await foreach (var found in storage.ListAsync(Folder + Hex(timeline.Timeline), range.After, token))
            {
                if (stop is not null && string.CompareOrdinal(found.Name, stop) >= 0)
                {
                    break;
                }

                Note(found.Name);
                _ = range.Found.Add(found);
            }
        });
        foreach (var range in ranges)
        {
            timeline.Append(range.Found);
        }
    }

    /// <summary>A log behind which the timeline has nothing: at most about twice as far as it goes.</summary>
    private async Task<uint> FindEndAsync(uint timeline, uint log, CancellationToken cancel)
    {
        var distances = Enumerable.Range(0, 32).Select(power => 1UL << power).Where(distance => log + distance <= uint.MaxValue).ToList();
        var answers = await Task.WhenAll(distances.Select(async distance =>
            (Log: (uint)(log + distance), IsThere: await FirstAfterAsync(Folder + Hex(timeline) + Hex((uint)(log + distance)), cancel, Folder + Hex(timeline)) is not null)));
        return answers.Where(answer => !answer.IsThere).Select(answer => answer.Log).DefaultIfEmpty(uint.MaxValue).Min();
    }

    private async Task<ArchiveObject?> FirstAfterAsync(string after, CancellationToken cancel, string prefix = Folder)
    {
        await foreach (var found in storage.ListAsync(prefix, after, cancel))
        {
            return found;
        }

        return null;
    }

    private SurveyedTimeline Of(uint timeline) => _timelines.TryGetValue(timeline, out var known) ? known : _timelines[timeline] = New(timeline);

    private SurveyedTimeline New(uint timeline) => new(timeline, storage.Encryption is not NoEncryption);

    private void Note(string objectName)
    {
        if (FirstObject is null && WalObjectName.TryParse(objectName, out var name) && name is { Kind: WalObjectKind.Segment, Codec: not null } && name.Segment == _first)
        {
            FirstObject = objectName;
        }

        long listed = Interlocked.Increment(ref _listed);
        if (listed % 5000 == 0)
        {
            observer.Progress(new MigrationProgress($"Listing {storage.Url}/{Folder}", string.Create(CultureInfo.InvariantCulture, $"{listed:N0} objects")));
        }
    }

    // A history is before nothing: it sorts before all segments.
    private static bool IsBefore(string objectName, WalSegmentName first) =>
        objectName.Length >= Folder.Length + 24 && string.CompareOrdinal(objectName, Folder.Length + 8, first.ToString(), 8, 16) < 0;

    private static string Hex(uint number) => number.ToString("X8", CultureInfo.InvariantCulture);

    private static string Name(ulong place) => place.ToString("X16", CultureInfo.InvariantCulture);
}
