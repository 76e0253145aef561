namespace PgMigration.Wal;

/// <summary>Held while a restore works on a data directory, so that no second one does. Ends with the process, however it ends.</summary>
public sealed class RestoreLock : IDisposable
{
    private readonly FileStream _file;

    private RestoreLock(FileStream file) => _file = file;

    /// <summary>Takes it.</summary>
    /// <exception cref="MigrationException"><c>RestoreRuns</c>: another session restores into the directory.</exception>
    public static RestoreLock Take(RestoreLayout layout)
    {
        try
        {
            // on Unix an exclusive share is an advisory lock (flock)
            return new RestoreLock(new FileStream(Path.Combine(layout.Folder, "restore.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException error) when (error is not (DirectoryNotFoundException or PathTooLongException))
        {
            throw new MigrationException("RestoreRuns", MigrationErrorKind.InvalidOperation,
                $"Another session restores into {layout.DataDirectory} at this moment. Wait for it, or stop it.", error);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
