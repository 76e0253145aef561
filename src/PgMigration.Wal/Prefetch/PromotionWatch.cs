namespace PgMigration.Wal;

/// <summary>Notices at once that the server is to be promoted: pg_promote and pg_ctl create a file named <c>promote</c> in its data directory.</summary>
/// <remarks>The server looks at it only when restore_command has returned, and so each request that is held delays the promotion.</remarks>
internal sealed class PromotionWatch : IDisposable
{
    private const string FileName = "promote";
    private readonly string _file;
    private readonly FileSystemWatcher? _watcher;
    private readonly Pulse _requested = new();

    /// <summary>Watches a data directory. Where that is not possible, restore_command itself looks now and then.</summary>
    public PromotionWatch(RestoreLayout layout, PrefetchLog log)
    {
        _file = Path.Combine(layout.DataDirectory, FileName);
        try
        {
            _watcher = new FileSystemWatcher(layout.DataDirectory, FileName) { NotifyFilter = NotifyFilters.FileName };
            _watcher.Created += (_, _) => _requested.Beat();
            _watcher.Renamed += (_, _) => _requested.Beat();
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
            return File.Exists(_file) ? Task.CompletedTask : next;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _watcher?.Dispose();
}
