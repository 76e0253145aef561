namespace PgMigration.Wal;

/// <summary>Keeps the next segments ready: decides which to fetch, fetches several at a time, hands out what is asked for.</summary>
/// <remarks>May be used from several threads; one lock guards what it knows.</remarks>
internal sealed class SegmentFlow
{
    // One connection to a bucket brings some 50 MB/s, and one core decodes several times that: more of them than cores, within reason.
    private static readonly int MostAtOnce = Math.Clamp(2 * Environment.ProcessorCount, 4, 16);

    private readonly Lock _gate = new();
    private readonly RestoreLayout _layout;
    private readonly RestoreRecord _record;
    private readonly ArchiveView _view;
    private readonly PrefetchLog _log;
    private readonly PlacedJournal _journal;
    private readonly SegmentPool _pool;
    private readonly Route _route;
    private readonly int _window;
    private readonly Dictionary<WalSegmentName, int> _wanted = [];
    private readonly Dictionary<WalSegmentName, FetchProgress> _fetching = [];
    private readonly Dictionary<WalSegmentName, FetchFailure> _failures = [];
    private WalSegmentName? _frontier;
    private WalSegmentName? _lastPlaced;

    /// <summary>A flow that begins with the segment of the record.</summary>
    public SegmentFlow(RestoreLayout layout, RestoreRecord record, ArchiveView view, PrefetchLog log)
    {
        _layout = layout;
        _record = record;
        _view = view;
        _log = log;
        _journal = new PlacedJournal(layout.PlacedFile, record.SegmentSize);
        _pool = new SegmentPool(layout, record.SegmentSize, _journal);
        _route = new Route(WalSegmentName.Parse(record.StartSegment), view, record.SegmentSize);
        _window = (int)Math.Clamp(record.PoolLimit / record.SegmentSize, 1, 4096);
    }

    /// <summary>Beats when there is something new: a segment ready, in the archive, failed, asked for.</summary>
    public Pulse Changed { get; } = new();

    /// <summary>Beats when PostgreSQL begins to wait for a segment that the archive is not known to hold.</summary>
    public Pulse Missed { get; } = new();

    /// <summary>A segment could not be fetched: perhaps another key, which was put into archive.json meanwhile, can.</summary>
    public event Action<Exception>? Failed;

    /// <summary>When PostgreSQL last waited for a segment.</summary>
    public DateTime LastWanted { get; private set; } = DateTime.MinValue;

    /// <summary>The newest of the timelines that are followed.</summary>
    public uint NewestTimeline
    {
        get
        {
            lock (_gate)
            {
                return _route.Chain.Newest;
            }
        }
    }

    /// <summary>PostgreSQL asks for a segment. False when it must not have it: a newer timeline has begun there.</summary>
    public bool MayHave(WalSegmentName name, WalSegmentName? oldestNeeded)
    {
        lock (_gate)
        {
            if (oldestNeeded is { } oldest)
            {
                _journal.ForgetBefore(oldest);
            }

            return _route.MayHave(name);
        }
    }

    /// <summary>Whether a request must be given up because a newer timeline has begun where it waits.</summary>
    public bool MustGiveWay(WalSegmentName name)
    {
        lock (_gate)
        {
            return _route.Chain.SegmentAt(name.Start(_record.SegmentSize), _record.SegmentSize).Timeline > name.Timeline;
        }
    }

    /// <summary>Hands out a segment if it is ready: <c>ready path</c>, or <c>use-own</c> when PostgreSQL's own copy is proven; else null.</summary>
    public string? TryHandOut(WalSegmentName name)
    {
        string? answer = null;
        lock (_gate)
        {
            if (_pool.HandOut(name) is { } path)
            {
                answer = "ready " + path;
            }
            else if (_journal.Proves(name, OwnCopyOf(name)))
            {
                answer = RequestDesk.UseOwn;
            }

            if (answer is not null)
            {
                _lastPlaced = name;
                _route.Passed(name);
            }
        }

        if (answer is not null)
        {
            Changed.Beat();
        }

        return answer;
    }

    /// <summary>Somebody waits for the segment until the result is disposed: it is fetched before all others.</summary>
    public IDisposable Want(WalSegmentName name)
    {
        lock (_gate)
        {
            LastWanted = DateTime.UtcNow;
            _wanted[name] = _wanted.GetValueOrDefault(name) + 1;
        }

        Changed.Beat();
        if (_view.ObjectOf(name) is null)
        {
            Missed.Beat();
        }

        return new Wish(this, name);
    }

    /// <summary>Takes in a segment that was fetched anew to a file of the pool's folder, unless it is PostgreSQL's own copy. Returns what PostgreSQL had of it before.</summary>
    public HadContent TakeAnew(WalSegmentName name, string file, uint checksum)
    {
        if (SegmentChecksum.Matches(OwnCopyOf(name), _record.SegmentSize, checksum))
        {
            return HadContent.InPgWal;
        }

        lock (_gate)
        {
            var had = _journal.Holds(name, checksum) ? HadContent.WasOffered : HadContent.Never;
            _pool.Add(name, checksum, file);
            return had;
        }
    }

    /// <summary>When the download of a segment last brought something, on the clock of <see cref="Environment.TickCount64"/>; null while there is none.</summary>
    public long? ProgressOf(WalSegmentName name)
    {
        lock (_gate)
        {
            return _fetching.GetValueOrDefault(name)?.At;
        }
    }

    /// <summary>Puts a timeline's history into the pool, to be taken. Returns the answer.</summary>
    public string HandOutHistory(uint timeline, ReadOnlySpan<byte> content)
    {
        string name = TimelineHistory.FileName(timeline);
        lock (_gate)
        {
            _pool.Put(name, content);
        }

        return "ready " + SegmentPool.PathToTake(name);
    }

    /// <summary>A timeline's history has appeared in the archive.</summary>
    public void HistoryAppeared()
    {
        lock (_gate)
        {
            _route.HistoryAppeared();
        }

        Changed.Beat();
    }

    /// <summary>The segments that are needed next and that the archive is not known to hold.</summary>
    public IReadOnlyList<WalSegmentName> Missing()
    {
        lock (_gate)
        {
            _ = Plan();
            return [.. _wanted.Keys.Append(_frontier ?? default).Where(name => name != default && _view.ObjectOf(name) is null).Distinct()];
        }
    }

    /// <summary>The segments from which listings of the timelines that matter now begin.</summary>
    public IReadOnlyList<WalSegmentName> ListingStarts()
    {
        lock (_gate)
        {
            var next = _route.Chain.SegmentAt(_route.Position, _record.SegmentSize);
            return [.. _route.Chain.Timelines.Where(timeline => timeline >= next.Timeline).Select(timeline => next with { Timeline = timeline })];
        }
    }

    /// <summary>Fetches until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        while (true)
        {
            var change = Changed.Next;
            TimeSpan nextRetry;
            lock (_gate)
            {
                foreach (var name in Plan())
                {
                    var progress = _fetching[name] = new FetchProgress();
                    _ = Task.Run(() => FetchAsync(name, progress, cancel), cancel);
                }

                nextRetry = _failures.Count == 0 ? TimeSpan.FromMinutes(1) : _failures.Values.Min(failure => failure.RetryAt) - DateTime.UtcNow;
            }

            _ = await Pulse.WaitAsync(change, nextRetry < TimeSpan.FromMilliseconds(50) ? TimeSpan.FromMilliseconds(50) : nextRetry, cancel);
        }
    }

    /// <summary>What there is to say about the flow: without what only the watch knows.</summary>
    public FlowReport Report()
    {
        lock (_gate)
        {
            int toFetch = Plan().Count;
            var next = _route.Chain.SegmentAt(_route.Position, _record.SegmentSize);
            return new FlowReport
            {
                Next = next,
                Frontier = _frontier,
                LaterThanFrontier = _frontier is { } frontier ? LaterThan(frontier) : null,
                LastInArchive = _route.Chain.Timelines.Select(_view.LastOn).FirstOrDefault(last => last is not null),
                LastPlaced = _lastPlaced,
                PoolBytes = _pool.Bytes,
                Fetching = _fetching.Count + toFetch,
                Failure = _failures.OrderBy(pair => pair.Key.Start(_record.SegmentSize)).Select(pair => pair.Value).FirstOrDefault(),
            };
        }
    }

    // What to fetch now; on the way, what cannot be needed any more leaves the pool, and the frontier becomes known.
    private List<WalSegmentName> Plan()
    {
        var ahead = _route.Ahead(_window).ToList();
        foreach (var name in _pool.Names.Except(ahead).Except(_wanted.Keys).ToList())
        {
            // The one handed out last may not have been renamed away yet.
            if (name.Start(_record.SegmentSize) + _record.SegmentSize != _route.Position)
            {
                _pool.Remove(name);
            }
        }

        foreach (var name in _failures.Keys.Except(ahead).Except(_wanted.Keys).ToList())
        {
            _ = _failures.Remove(name);
        }

        var plan = new List<WalSegmentName>();
        var now = DateTime.UtcNow;
        _frontier = null;
        foreach (var name in _wanted.Keys.Concat(ahead).Distinct())
        {
            if (_pool.Contains(name) || (!_wanted.ContainsKey(name) && IsProbablyOwn(name)))
            {
                continue;
            }

            if (_view.ObjectOf(name) is null)
            {
                _frontier ??= name; // and on: what was archived before its predecessor is worth having already
            }
            else if ((_fetching.Count + plan.Count < MostAtOnce || _wanted.ContainsKey(name)) && !_fetching.ContainsKey(name)
                && (!_failures.TryGetValue(name, out var failure) || failure.RetryAt <= now))
            {
                plan.Add(name);
            }
        }

        return plan;
    }

    private async Task FetchAsync(WalSegmentName name, FetchProgress progress, CancellationToken cancel)
    {
        try
        {
            bool failedBefore;
            lock (_gate)
            {
                failedBefore = _failures.ContainsKey(name);
            }

            // It may have been replaced, under another extension even.
            if (failedBefore && !await _view.LookAgainAsync(name, cancel))
            {
                End(name, failure: null);
                return;
            }

            uint checksum = await SegmentFetch.RunAsync(_view, _view.ObjectOf(name)!, name, _record, _pool.TemporaryFile(name.ToString()), progress, cancel);
            lock (_gate)
            {
                _pool.Add(name, checksum);
            }

            End(name, failure: null);
        }
        catch (MigrationException error) when (error.ErrorId == "ArchiveObjectNotFound")
        {
            _view.Forget(name);
            End(name, failure: null);
        }
        catch (Exception error) when (error is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            End(name, error);
        }
    }

    private void End(WalSegmentName name, Exception? failure)
    {
        lock (_gate)
        {
            _ = _fetching.Remove(name);
            if (failure is not null)
            {
                var before = _failures.GetValueOrDefault(name);
                if (before?.Message != failure.Message)
                {
                    _log.Write($"{name}: {failure.Message}"); // not each of the many times that it is tried again
                }

                _failures[name] = FetchFailure.After(before, name, failure);
            }
            else
            {
                _ = _failures.Remove(name);
            }
        }

        if (failure is not null)
        {
            Failed?.Invoke(failure);
        }

        Changed.Beat();
    }

    private WalSegmentName? LaterThan(WalSegmentName frontier)
    {
        var start = frontier.Start(_record.SegmentSize);
        return _route.Chain.Timelines.Where(timeline => timeline >= frontier.Timeline).Select(_view.LastOn)
            .FirstOrDefault(last => last is { } name && name.Start(_record.SegmentSize) > start);
    }

    private string OwnCopyOf(WalSegmentName name) => Path.Combine(_layout.DataDirectory, "pg_wal", name.ToString());

    // Good enough to fetch others first: whether it is proven when it is asked for, its content decides.
    private bool IsProbablyOwn(WalSegmentName name) => _journal.Knows(name) && File.Exists(OwnCopyOf(name));

    private sealed class Wish(SegmentFlow flow, WalSegmentName name) : IDisposable
    {
        public void Dispose()
        {
            lock (flow._gate)
            {
                flow.LastWanted = DateTime.UtcNow;
                if (--flow._wanted[name] == 0)
                {
                    _ = flow._wanted.Remove(name);
                }
            }
        }
    }
}
