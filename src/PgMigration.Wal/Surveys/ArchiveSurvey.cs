using System.Text;

namespace PgMigration.Wal;

/// <summary>Finds out, by listing alone, whether a backup can be brought up to now from its archive.</summary>
/// <remarks>One object is opened beside the histories: the first segment, whose header tells the segment size.</remarks>
public static class ArchiveSurvey
{
    // Of WAL a day at present: what lies further back is of another week's load.
    private static readonly TimeSpan Lately = TimeSpan.FromDays(1);

    // So many objects are looked at one by one to find out whether they can be read: a few seconds. The first that cannot ends the way anyway.
    private const int MostLooks = 2000;

    /// <summary>Surveys the WAL from a backup's start on.</summary>
    /// <param name="storage">The archive.</param>
    /// <param name="backup">The backup.</param>
    /// <param name="replayBytesPerSecond">What replay gets through, if that is known.</param>
    /// <param name="observer">Sees how many objects were listed.</param>
    /// <param name="cancel">Ends the survey.</param>
    /// <exception cref="MigrationException"><c>HistoryInvalid</c>, <c>ArchiveUnreachable</c> and what else the archive says.</exception>
    public static async Task<WalArchiveReport> RunAsync(IArchiveStorage storage, WalBackup backup, double? replayBytesPerSecond = null, IMigrationObserver? observer = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(storage);
        ArgumentNullException.ThrowIfNull(backup);
        observer ??= IMigrationObserver.None;
        var listing = new SurveyListing(storage, observer);
        var listed = await listing.RunAsync(backup.StartSegment, cancel);
        await ResolveArchivedAsync(storage, listed, cancel);
        int segmentSize = await SegmentSizeAsync(storage, backup, listing.FirstObject, cancel);
        var histories = new Dictionary<uint, TimelineHistory>();
        foreach (var timeline in listed)
        {
            if (timeline is { Timeline: > 1, HistoryObject: { } history })
            {
                histories[timeline.Timeline] = await ReadHistoryAsync(storage, timeline.Timeline, history, cancel);
            }
        }

        var start = backup.StartLsn ?? backup.StartSegment.Start(segmentSize);
        var way = SurveyedWay.Walk(backup.StartSegment, start, backup.FinishLsn ?? start + 1, listed, histories, segmentSize, storage.Url);
        var unreadable = await UnreadablePartsAsync(storage, backup, cancel);
        var newest = way.Segments.Count == 0 ? default : way.Segments[^1];
        var replayableTo = way.Reachable > 0 ? way.Segments[way.Reachable - 1].Name.Start(segmentSize) + segmentSize : backup.StartSegment.Start(segmentSize);
        return new WalArchiveReport
        {
            Archive = storage.Url,
            BackupName = backup.Name,
            BackupTime = backup.Time,
            IsConsistent = unreadable is not null ? false : backup.FinishLsn is { } finish ? replayableTo >= finish : null,
            Gaps = unreadable is null ? [.. way.Gaps] : [unreadable, .. way.Gaps],
            Timelines = [.. listed.Select(timeline => Describe(timeline, way, histories))],
            SegmentSize = segmentSize,
            FirstSegment = backup.StartSegment,
            LastSegment = way.Segments.Count == 0 ? null : newest.Name,
            Timeline = way.Timelines[^1],
            ReplayableTo = replayableTo,
            Segments = way.Reachable,
            StoredBytes = way.Segments.Take(way.Reachable).Sum(segment => segment.Stored.Length),
            NewestAt = way.Segments.Count == 0 ? null : newest.Stored.At,
            NewestAge = way.Segments.Count == 0 ? null : Max(TimeSpan.Zero, DateTimeOffset.UtcNow - newest.Stored.At),
            WalBytesPerDay = BytesPerDay(way, segmentSize),
            ReplayBytesPerSecond = replayBytesPerSecond,
            Listed = listing.Listed,
        };
    }

    /// <summary>Finds out which objects in an archive class can be read: a listing tells it only in part.</summary>
    private static async Task ResolveArchivedAsync(IArchiveStorage storage, IReadOnlyList<SurveyedTimeline> listed, CancellationToken cancel)
    {
        var unknown = listed.SelectMany(timeline => timeline.Archived).Where(stored => stored.State == ArchivedState.Unknown).Take(MostLooks);
        var looked = await ArchivedObjects.LookAsync(storage, unknown, cancel);
        foreach (var timeline in listed)
        {
            timeline.Resolve(looked);
        }
    }

    /// <summary>The gap that a backup is whose own objects, or those of a backup that it builds on, cannot be read; null when they can.</summary>
    private static async Task<WalGap?> UnreadablePartsAsync(IArchiveStorage storage, WalBackup backup, CancellationToken cancel)
    {
        if (!ArchiveLocation.Parse(storage.Url).IsS3)
        {
            return null;
        }

        try
        {
            foreach (var contents in await BackupContents.ListAsync(storage, await BackupChain.FindAsync(storage, backup, cancel), cancel))
            {
                await contents.RequireReadableAsync(storage, cancel);
            }

            return null;
        }
        catch (MigrationException error) when (error.ErrorId == "ArchiveObjectArchived")
        {
            return new WalGap { Kind = WalGapKind.Archived, First = backup.StartSegment, Last = backup.StartSegment, Segments = 0, Detail = error.Message };
        }
        catch (MigrationException error) when (error.Kind is MigrationErrorKind.InvalidData or MigrationErrorKind.NotFound or MigrationErrorKind.NotSupported)
        {
            return null; // what else is wrong with the backup is not of its WAL: its restore reports it
        }
    }

    private static WalTimeline Describe(SurveyedTimeline timeline, SurveyedWay way, Dictionary<uint, TimelineHistory> histories)
    {
        var parent = histories.GetValueOrDefault(timeline.Timeline)?.Ancestors[^1];
        return new WalTimeline
        {
            Timeline = timeline.Timeline,
            Parent = parent?.Timeline,
            ForkedAt = parent?.Switch,
            HasHistory = timeline.Timeline == 1 || timeline.HistoryObject is not null,
            IsOnTheWay = way.Timelines.Contains(timeline.Timeline),
            First = timeline.Segments.Count == 0 ? null : timeline.Segments[0].Name(timeline.Timeline),
            Last = timeline.Segments.Count == 0 ? null : timeline.Segments[^1].Name(timeline.Timeline),
            Segments = timeline.Segments.DistinctBy(stored => stored.Place).LongCount(),
            StoredBytes = timeline.Segments.Sum(stored => stored.Length),
            Partial = timeline.Partial,
        };
    }

    private static long? BytesPerDay(SurveyedWay way, int segmentSize)
    {
        var lately = way.Segments.Select(segment => segment.Stored.Ticks).Order().ToList();
        lately = lately.Count == 0 ? lately : lately.FindAll(ticks => ticks >= lately[^1] - Lately.Ticks);
        return lately.Count < 2 || lately[^1] == lately[0]
            ? null
            : (long)((lately.Count - 1) * (double)segmentSize * TimeSpan.TicksPerDay / (lately[^1] - lately[0]));
    }

    /// <summary>The segment size by the first segment's header; where that cannot be read, by where in its segment the backup begins.</summary>
    private static async Task<int> SegmentSizeAsync(IArchiveStorage storage, WalBackup backup, string? firstObject, CancellationToken cancel)
    {
        try
        {
            if (firstObject is not null)
            {
                byte[] page = new byte[WalPageHeader.Size];
                await using var segment = await storage.OpenDecodedAsync(firstObject, cancel);
                await segment.ReadExactlyAsync(page, cancel);
                if (WalPageHeader.Read(page) is { IsLong: true, SegmentSize: >= 1 << 20 and <= 1 << 30 and var size } && uint.IsPow2(size))
                {
                    return (int)size;
                }
            }
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException or MigrationException { ErrorId: "ArchiveObjectArchived" } or MigrationException { Kind: MigrationErrorKind.InvalidData or MigrationErrorKind.NotFound or MigrationErrorKind.NotSupported })
        {
            // damaged, gone, or of a codec that is not known here: what matters is that it is listed
        }

        // wal_segment_size is a power of two between 1 MB and 1 GB
        return backup.StartLsn is { } start
            ? Enumerable.Range(20, 11).Select(power => 1 << power).Where(size => WalSegmentName.Containing(backup.Timeline, start, size) == backup.StartSegment)
                .OrderByDescending(size => size == WalSegmentName.DefaultSize).FirstOrDefault(WalSegmentName.DefaultSize)
            : WalSegmentName.DefaultSize;
    }

    private static async Task<TimelineHistory> ReadHistoryAsync(IArchiveStorage storage, uint timeline, string objectName, CancellationToken cancel)
    {
        try
        {
            await using var decoded = await storage.OpenDecodedAsync(objectName, cancel);
            return TimelineHistory.Parse(timeline, Encoding.UTF8.GetString(await LimitedRead.AllAsync(decoded, SegmentStore.MaximumHistory, cancel)));
        }
        catch (InvalidDataException error)
        {
            throw new MigrationException("HistoryInvalid", MigrationErrorKind.InvalidData, $"{storage.Url}/{objectName} is damaged: {error.Message}", error);
        }
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
