using System.Diagnostics;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>Keeps the keys of this session's environment from a restored server and its prefetcher, which live for days, when they hold what they need in archive.json.</summary>
internal static class InheritedSecrets
{
    private static readonly string[] Names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

    /// <summary>Takes them out of what a program of a data directory inherits; of one that is no restore, nothing.</summary>
    public static void Remove(ProcessStartInfo start, string dataDirectory)
    {
        if (!HoldsKeys(new RestoreLayout(dataDirectory).ArchiveFile))
        {
            return;
        }

        foreach (string name in Names)
        {
            _ = start.Environment.Remove(name);
        }
    }

    private static bool HoldsKeys(string archiveFile)
    {
        try
        {
            return File.Exists(archiveFile) && ArchiveAccess.Load(archiveFile).HasKeys;
        }
        catch (Exception error) when (error is MigrationException or IOException or UnauthorizedAccessException)
        {
            return false; // whoever needs the file says what is wrong with it
        }
    }
}
