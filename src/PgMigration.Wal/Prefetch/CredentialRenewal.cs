namespace PgMigration.Wal;

/// <summary>Opens the archive again when it refuses us, or when <c>archive.json</c> was replaced: credentials expire while a link lives for days.</summary>
internal sealed class CredentialRenewal(RestoreLayout layout, ArchiveView view, TransferLimits limits, PrefetchLog log) : IDisposable
{
    private static readonly TimeSpan NotMoreOftenThan = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestDownload = TimeSpan.FromMinutes(30);

    // the newest, and the one that it replaced
    private const int KeptOpen = 2;
    private readonly Lock _gate = new();
    private DateTime _loaded = File.GetLastWriteTimeUtc(layout.ArchiveFile);
    private DateTime _opened = DateTime.UtcNow;
    private readonly Queue<(IArchiveStorage Storage, DateTime Opened)> _replacements = [];

    /// <summary>Looks, after a failure, whether other credentials may help.</summary>
    public void After(Exception error)
    {
        lock (_gate)
        {
            var written = File.GetLastWriteTimeUtc(layout.ArchiveFile);
            bool refused = error is MigrationException { Kind: MigrationErrorKind.PermissionDenied } && DateTime.UtcNow - _opened > NotMoreOftenThan;
            if (written == _loaded && !refused)
            {
                return;
            }

            try
            {
                // Downloads from the one before may be under way: it stays open for longer than they take.
                var replacement = ArchiveStorage.Open(ArchiveAccess.Load(layout.ArchiveFile), limits);
                view.Storage = replacement;
                _replacements.Enqueue((replacement, DateTime.UtcNow));
                while (_replacements.Count > KeptOpen && DateTime.UtcNow - _replacements.Peek().Opened > LongestDownload)
                {
                    _replacements.Dequeue().Storage.Dispose();
                }

                (_loaded, _opened) = (written, DateTime.UtcNow);
                log.Write("Opened the archive again, with the credentials of now.");
            }
            catch (Exception failure) when (failure is MigrationException or IOException or UnauthorizedAccessException)
            {
                log.Write(failure.Message);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_replacements.TryDequeue(out var one))
        {
            one.Storage.Dispose();
        }
    }
}
