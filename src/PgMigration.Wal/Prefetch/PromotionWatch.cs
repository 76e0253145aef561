namespace PgMigration.Wal;

/// <summary>Notices at once that the server is to be promoted: pg_promote and pg_ctl create a file named <c>promote</c> in its data directory.</summary>
/// <remarks>
/// The server looks at it only when restore_command has returned, and so each request that is held delays the promotion. It removes the
/// file when it has seen it (RemovePromoteSignalFiles), and asks for more then: for the last segment once more, for histories. So a
/// promotion is remembered, for as long as that server runs.
/// </remarks>
internal sealed class PromotionWatch : IDisposable
{
    private const string FileName = "promote";
    private readonly RestoreLayout _layout;
    private readonly string _file;
    private readonly FileSystemWatcher? _watcher;
    private readonly Pulse _requested = new();
    private volatile Promotion? _last;

    /// <summary>Watches a data directory. Where that is not possible, restore_command itself looks now and then.</summary>
    public PromotionWatch(RestoreLayout layout, PrefetchLog log)
    {
        _layout = layout;
        _file = Path.Combine(layout.DataDirectory, FileName);
        try
        {
            _watcher = new FileSystemWatcher(layout.DataDirectory, FileName) { NotifyFilter = NotifyFilters.FileName };
            _watcher.Created += (_, _) => Note();
            _watcher.Renamed += (_, _) => Note();
            _watcher.EnableRaisingEvents = true;
        }
        catch (IOException error)
        {
            log.Write($"{layout.DataDirectory} cannot be watched ({error.Message}); restore_command looks for a promotion by itself.");
        }
    }

    /// <summary>Ends when a promotion is asked for; at once when it has been already.</summary>
    public Task Requested
    {
        get
        {
            var next = _requested.Next;
            return IsRequested ? Task.CompletedTask : next;
        }
    }

    /// <summary>Whether the server that runs has been asked to promote itself.</summary>
    public bool IsRequested
    {
        get
        {
            if (_last is { } last && last.Server == ServerWatch.ServerOf(_layout))
            {
                return true;
            }

            if (!File.Exists(_file))
            {
                return false;
            }

            _last = new Promotion(ServerWatch.ServerOf(_layout));
            return true;
        }
    }

    /// <summary>A promotion was seen: by restore_command, or by the watch on the file.</summary>
    public void Note()
    {
        _last = new Promotion(ServerWatch.ServerOf(_layout));
        _requested.Beat();
    }

    /// <inheritdoc/>
    public void Dispose() => _watcher?.Dispose();

    private sealed record Promotion(string? Server);
}
