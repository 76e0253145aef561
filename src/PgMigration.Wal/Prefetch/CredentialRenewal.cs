namespace PgMigration.Wal;

/// <summary>Opens the archive anew when it refuses us, or when <c>archive.json</c> was replaced: credentials expire while a link lives for days.</summary>
internal sealed class CredentialRenewal(RestoreLayout layout, ArchiveView view, TransferLimits limits, PrefetchLog log) : IDisposable
{
    private static readonly TimeSpan NotMoreOftenThan = TimeSpan.FromSeconds(10);
    private readonly Lock _gate = new();
    private DateTime _loaded = File.GetLastWriteTimeUtc(layout.ArchiveFile);
    private DateTime _opened = DateTime.UtcNow;
    private IArchiveStorage? _replacement;

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
                // The one before stays open: downloads from it may be under way, and it is only as many as refusals.
                _replacement = ArchiveStorage.Open(ArchiveAccess.Load(layout.ArchiveFile), limits);
                view.Storage = _replacement;
                (_loaded, _opened) = (written, DateTime.UtcNow);
                log.Write("Opened the archive anew, with the credentials of now.");
            }
            catch (Exception failure) when (failure is MigrationException or IOException or UnauthorizedAccessException)
            {
                log.Write(failure.Message);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _replacement?.Dispose();
}
