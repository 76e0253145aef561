namespace PgMigration.LocalDms;

/// <summary>Sees to it that a folder has one process: two would apply the same changes.</summary>
internal static class FolderLock
{
    /// <summary>Takes it; null when another process has it. A process that is killed gives it up.</summary>
    public static FileStream? TryTake(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
