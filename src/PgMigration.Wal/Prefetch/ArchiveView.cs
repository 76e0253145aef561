using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace PgMigration.Wal;

/// <summary>What is known of the archive's WAL: which segments it holds under which object names, and the histories of its timelines.</summary>
/// <remarks>
/// Listings begin behind the last segment known, so that each object is listed once; the extension that others write is learnt on the way,
/// and the next segment is then looked for by its exact name. May be used from several threads.
/// </remarks>
internal sealed class ArchiveView(IArchiveStorage storage)
{
    private const string Folder = SegmentStore.Folder;

    // Greater than every character that names hold: what begins with a name lies before the name with this.
    private const string AfterAll = "~";
    private readonly ConcurrentDictionary<WalSegmentName, string> _objects = [];
    private readonly ConcurrentDictionary<uint, WalSegmentName> _last = [];
    private readonly ConcurrentDictionary<uint, TimelineHistory> _histories = [];
    private readonly ConcurrentDictionary<uint, byte[]> _historyFiles = [];
    private volatile string _extension = ".lz4";

    /// <summary>Where the objects lie. Replaced when new credentials are given.</summary>
    public IArchiveStorage Storage { get; set; } = storage;

    /// <summary>The timelines that have a history in the archive, as far as looked for.</summary>
    public IEnumerable<uint> TimelinesNewestFirst => _histories.Keys.OrderDescending();

    /// <summary>The name of a segment's object; null when the archive is not known to hold it.</summary>
    public string? ObjectOf(WalSegmentName name) => _objects.GetValueOrDefault(name);

    /// <summary>The last segment known on a timeline.</summary>
    public WalSegmentName? LastOn(uint timeline) => _last.TryGetValue(timeline, out var last) ? last : null;

    /// <summary>The history of a timeline; null when the archive is not known to hold one.</summary>
    public TimelineHistory? HistoryOf(uint timeline) => _histories.GetValueOrDefault(timeline);

    /// <summary>A timeline with its ancestors, as far as its history is known.</summary>
    public TimelineChain ChainOf(uint timeline) => TimelineChain.Of(timeline, HistoryOf(timeline));

    /// <summary>Forgets a segment's object, because it has gone.</summary>
    public void Forget(WalSegmentName name) => _objects.TryRemove(name, out _);

    /// <summary>Looks for one segment by the name that it would have. Returns whether it is there.</summary>
    public async Task<bool> ProbeAsync(WalSegmentName name, CancellationToken cancel)
    {
        string expected = Folder + name + _extension;
        if (await Storage.FindAsync(expected, cancel) is null)
        {
            return false;
        }

        Note(name, expected);
        return true;
    }

    /// <summary>Looks for one segment under whatever extension; forgets it when there is none.</summary>
    /// <remarks>Where several objects hold it, another one than the last time: that one could not be read.</remarks>
    public async Task<bool> LookAgainAsync(WalSegmentName name, CancellationToken cancel)
    {
        var found = new List<WalObject>();
        await foreach (var stored in Storage.ListAsync(Folder + name, cancel: cancel))
        {
            if (WalObject.Of(stored) is { } wal && wal.Segment == name)
            {
                found.Add(wal);
            }
        }

        if (found.Count == 0)
        {
            Forget(name);
            return false;
        }

        found.Sort((left, right) => left.IsBetterThan(right) ? -1 : right.IsBetterThan(left) ? 1 : 0);
        int tried = found.FindIndex(wal => wal.Object.Name == ObjectOf(name));
        Note(name, found[(tried + 1) % found.Count].Object.Name);
        return true;
    }

    /// <summary>Lists the segments of a timeline behind the last one known, or from a segment on when none is.</summary>
    /// <param name="first">Where to begin, timeline included.</param>
    /// <param name="segmentSize">The cluster's segment size.</param>
    /// <param name="found">Called now and then while a long listing goes on.</param>
    /// <param name="cancel">Ends the listing.</param>
    public async Task ListSegmentsAsync(WalSegmentName first, int segmentSize, Action found, CancellationToken cancel)
    {
        string timeline = Folder + Hex(first.Timeline);
        var start = first.Start(segmentSize);
        string after = LastOn(first.Timeline) is { } last && last.Start(segmentSize) >= start ? Folder + last + AfterAll
            : start == Lsn.Zero ? timeline
            : Folder + WalSegmentName.Containing(first.Timeline, start + -segmentSize, segmentSize) + AfterAll;
        int count = 0;
        await foreach (var item in Storage.ListAsync(timeline, after, cancel))
        {
            if (WalObject.Of(item) is { Segment: { } name } wal)
            {
                Note(name, wal);
                if (++count % 256 == 1)
                {
                    found();
                }
            }
        }
    }

    /// <summary>Whether the archive's WAL folder holds anything at all: an empty one is a disk that is not mounted, or a wrong prefix.</summary>
    public async Task<bool> IsEmptyAsync(CancellationToken cancel) => await FirstAfterAsync(Folder, cancel) is null;

    /// <summary>Reads the histories of timelines newer than those known. Returns whether there are new ones.</summary>
    /// <remarks>Timelines can be skipped (1 → 3), so names are not guessed: each step asks for the first object behind a timeline's.</remarks>
    public async Task<bool> ListTimelinesAsync(uint newerThan, CancellationToken cancel)
    {
        bool any = false;
        uint timeline = _histories.Keys.Append(newerThan).Max();
        while (await Storage.FirstTimelineAfterAsync(Folder + Hex(timeline) + AfterAll, cancel) is { } newer && newer > timeline)
        {
            timeline = newer;
            any |= await FindHistoryAsync(timeline, cancel) is not null;
        }

        return any;
    }

    /// <summary>A timeline's history, from the archive if it is not known yet; null when there is none.</summary>
    /// <exception cref="MigrationException">It cannot be read, or is damaged.</exception>
    public async Task<TimelineHistory?> FindHistoryAsync(uint timeline, CancellationToken cancel)
    {
        if (_histories.TryGetValue(timeline, out var known))
        {
            return known;
        }

        if (timeline == 1 || await HistoryFileAsync(timeline, cancel) is not { } content)
        {
            return null;
        }

        return _histories[timeline] = TimelineHistory.Parse(timeline, Encoding.UTF8.GetString(content));
    }

    /// <summary>The content of a timeline's history file as far as it was read before; null when it was not.</summary>
    public byte[]? KnownHistoryFile(uint timeline) => _historyFiles.GetValueOrDefault(timeline);

    /// <summary>The content of a timeline's history file, from the archive if it was not read before: it never changes. Null when there is none.</summary>
    /// <exception cref="MigrationException">It cannot be read, or is damaged.</exception>
    public async Task<byte[]?> HistoryFileAsync(uint timeline, CancellationToken cancel)
    {
        if (KnownHistoryFile(timeline) is { } known)
        {
            return known;
        }

        if (await SegmentStore.FindAsync(Storage, TimelineHistory.FileName(timeline), cancel) is not { } found)
        {
            return null;
        }

        try
        {
            await using var decoded = await Storage.OpenDecodedAsync(found.Object.Name, cancel);
            byte[] content = await LimitedRead.AllAsync(decoded, SegmentStore.MaximumHistory, cancel);
            _ = TimelineHistory.Parse(timeline, Encoding.UTF8.GetString(content));
            return _historyFiles[timeline] = content;
        }
        catch (InvalidDataException error)
        {
            throw new MigrationException("HistoryInvalid", MigrationErrorKind.InvalidData, $"'{found.Object.Name}' is damaged: {error.Message}", error);
        }
    }

    // Of several objects that a listing shows, the better one.
    private void Note(WalSegmentName name, WalObject wal)
    {
        if (ObjectOf(name) is { } known && WalObjectName.TryParse(known, out var parts) && known != wal.Object.Name && (wal.Object.Length == 0 || wal.Parts.Rank >= parts.Rank))
        {
            return;
        }

        Note(name, wal.Object.Name);
    }

    private void Note(WalSegmentName name, string objectName)
    {
        _objects[name] = objectName;
        _extension = objectName[(Folder.Length + 24)..];
        _ = _last.AddOrUpdate(name.Timeline, name, (_, last) => (name.Log, name.Segment).CompareTo((last.Log, last.Segment)) > 0 ? name : last);
    }

    private async Task<ArchiveObject?> FirstAfterAsync(string after, CancellationToken cancel)
    {
        await foreach (var found in Storage.ListAsync(Folder, after, cancel))
        {
            return found;
        }

        return null;
    }

    private static string Hex(uint timeline) => timeline.ToString("X8", CultureInfo.InvariantCulture);
}
