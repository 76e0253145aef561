namespace PgMigration.Wal;

/// <summary>
/// Notices that PostgreSQL asks for the same segment again and again although it has it: its replay stops there. Then the segment is
/// fetched anew and compared as a whole; what differs is handed out, and what does not is damage in the archive itself, to be told.
/// </summary>
/// <remarks>
/// Asking again is ordinary after a restart of the server, for each segment since the restart point; and at the end of the archive,
/// for the segment in which the last record began, each time before the one that is not there yet. A record that crosses a segment's end
/// makes PostgreSQL ask for both segments in turn. So hand-outs count from when PostgreSQL last came further than ever, was refused a
/// later segment, or was started.
/// </remarks>
internal sealed class StuckReplay(RestoreLayout layout, RestoreRecord record, ArchiveView view, SegmentFlow flow, PrefetchLog log)
{
    private const int OrdinaryHandOuts = 3;

    // PostgreSQL would ask some ten times a second.
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan LongestComparison = TimeSpan.FromSeconds(9);

    // An object that looks as it did is downloaded again all the same, now and then.
    private static readonly TimeSpan CompareAgainAfter = TimeSpan.FromSeconds(30);
    private readonly Lock _gate = new();
    private readonly Dictionary<WalSegmentName, int> _handOuts = [];
    private readonly Dictionary<WalSegmentName, FetchFailure> _failures = [];
    private readonly Dictionary<WalSegmentName, (ArchiveObject Object, DateTime At)> _compared = [];
    private Lsn _furthest;
    private string? _server;

    /// <summary>What stops the replay: of the earliest segment; null while it goes on.</summary>
    public FetchFailure? Failure
    {
        get
        {
            lock (_gate)
            {
                return _failures.OrderBy(pair => pair.Key.Start(record.SegmentSize)).Select(pair => pair.Value).FirstOrDefault();
            }
        }
    }

    /// <summary>PostgreSQL asks for a segment. Returns whether it had that too often to be getting on.</summary>
    public bool IsStuckAt(WalSegmentName name)
    {
        lock (_gate)
        {
            if (name.Start(record.SegmentSize) > _furthest)
            {
                _furthest = name.Start(record.SegmentSize);
                Forget();
                return false;
            }

            // A file is read only for requests that repeat.
            return _handOuts.GetValueOrDefault(name) >= OrdinaryHandOuts && !IsOfNewServer();
        }
    }

    /// <summary>Notes what PostgreSQL was answered.</summary>
    public void Answered(WalSegmentName name, string answer)
    {
        lock (_gate)
        {
            if (answer != RequestDesk.None)
            {
                if (_handOuts.Count == 0)
                {
                    _server = ServerWatch.ServerOf(layout);
                }

                _handOuts[name] = _handOuts.GetValueOrDefault(name) + 1;
            }
            else if (_handOuts.Keys.Any(earlier => earlier.Start(record.SegmentSize) < name.Start(record.SegmentSize)))
            {
                Forget(); // it waits for this one
            }
        }
    }

    /// <summary>Answers a request at which replay is stuck, slowly, unless it is to be answered now.</summary>
    public async Task<string> AnswerAsync(WalSegmentName name, Task now, CancellationToken cancel)
    {
        if (now.IsCompleted)
        {
            return flow.TryHandOut(name) ?? RequestDesk.None;
        }

        long started = Environment.TickCount64;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(LongestComparison);
        var comparing = CompareAsync(name, limit.Token);
        _ = await Task.WhenAny(comparing, now);
        if (!comparing.IsCompleted)
        {
            await limit.CancelAsync();
        }

        if (!await comparing && !now.IsCompleted)
        {
            var left = Pace - TimeSpan.FromMilliseconds(Environment.TickCount64 - started);
            _ = left > TimeSpan.Zero && await Pulse.WaitAsync(now, left, cancel);
        }

        if (flow.TryHandOut(name) is { } answer)
        {
            return answer;
        }

        lock (_gate)
        {
            _ = _compared.Remove(name); // PostgreSQL's own copy is another one by now: it needs what the archive has
        }

        return RequestDesk.None;
    }

    // Returns whether there is another content to hand out.
    private async Task<bool> CompareAsync(WalSegmentName name, CancellationToken cancel)
    {
        string file = Path.Combine(layout.PoolFolder, name + ".anew");
        try
        {
            // It may lie there under another extension by now.
            if (!await view.LookAgainAsync(name, cancel) || view.ObjectOf(name) is not { } objectName || await view.Storage.FindAsync(objectName, cancel) is not { } found)
            {
                Fail(name, new MigrationException("SegmentDamaged", MigrationErrorKind.InvalidData,
                    $"PostgreSQL has {name} and asks for it again and again, and the archive holds it no more: replay stops in it. Put a good copy of it into the archive."));
                return false;
            }

            lock (_gate)
            {
                if (_compared.TryGetValue(name, out var last) && last.Object == found && DateTime.UtcNow - last.At < CompareAgainAfter)
                {
                    return false;
                }
            }

            uint checksum = await SegmentFetch.RunAsync(view, objectName, name, record, file, progress: null, cancel);
            var had = flow.TakeAnew(name, file, checksum);
            if (had == HadContent.Never)
            {
                log.Write($"{name}: PostgreSQL asks for it again and again, and '{objectName}' is another one than it has. It gets the one of the archive.");
                lock (_gate)
                {
                    _ = _handOuts.Remove(name);
                    _ = _failures.Remove(name);
                }

                return true;
            }

            lock (_gate)
            {
                _compared[name] = (found, DateTime.UtcNow);
            }

            Fail(name, had == HadContent.WasOffered
                ? new MigrationException("SegmentNotPlaced", MigrationErrorKind.ResourceUnavailable,
                    $"PostgreSQL was given {name} again and again, and does not keep it in pg_wal. The server's log tells why; look whether the disk of pg_wal is full.")
                : new MigrationException("SegmentDamaged", MigrationErrorKind.InvalidData,
                $"PostgreSQL has the content of '{objectName}' and asks for it again and again: replay stops in it (see the server's log). The object was damaged before it was archived or in the archive. "
                + "Put a good copy of it, or of the segment before or behind it if a record crosses there, into the archive; it is looked at all the time."));
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            Fail(name, error);
        }
        catch (OperationCanceledException)
        {
            // Who asked has gone, a promotion came between, or the archive says nothing, which the watch tells.
        }
        finally
        {
            File.Delete(file);
        }

        return false;
    }

    private void Fail(WalSegmentName name, Exception error)
    {
        bool isNews;
        lock (_gate)
        {
            var before = _failures.GetValueOrDefault(name);
            isNews = before?.Message != error.Message;
            _failures[name] = FetchFailure.After(before, name, error);
        }

        if (isNews)
        {
            log.Write($"{name}: {error.Message}");
        }

        flow.Changed.Beat();
    }

    private bool IsOfNewServer()
    {
        string? server = ServerWatch.ServerOf(layout);
        if (server == _server)
        {
            return false;
        }

        Forget();
        return true;
    }

    private void Forget()
    {
        _handOuts.Clear();
        _failures.Clear();
        _compared.Clear();
    }
}
