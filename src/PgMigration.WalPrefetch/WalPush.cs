using PgMigration.Wal;

namespace PgMigration.WalPrefetch;

/// <summary>archive_command: stores one file of pg_wal in the archive.</summary>
internal static class WalPush
{
    /// <summary>Stores the file under its name, compressed. Returns when the archive holds it, whole; at once when it held it before.</summary>
    public static async Task RunAsync(string archiveFile, string path, string name, CancellationToken cancel)
    {
        using var storage = ArchiveStorage.Open(ArchiveAccess.Load(archiveFile));
        _ = await SegmentWriter.PushAsync(storage, path, name, cancel: cancel);
    }
}
