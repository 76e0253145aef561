using System.Diagnostics;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>Keeps the keys of this session's environment from a restored server and its prefetcher, which live for days, when they hold what they need in archive.json.</summary>
internal static class InheritedSecrets
{
    private static readonly string[] Names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

    // What decrypts the archive is always in archive.json, and looked for nowhere else.
    private static readonly string[] Decrypting = ["WALG_LIBSODIUM_KEY", "WALG_PGP_KEY", "WALG_PGP_KEY_PASSPHRASE"];

    /// <summary>Takes them out of what a program of a data directory inherits; of one that is no restore, nothing.</summary>
    public static void Remove(ProcessStartInfo start, string dataDirectory)
    {
        if (Load(new RestoreLayout(dataDirectory).ArchiveFile) is not { } access)
        {
            return;
        }

        foreach (string name in access.HasKeys ? Names.Concat(Decrypting) : Decrypting)
        {
            _ = start.Environment.Remove(name);
        }
    }

    private static ArchiveAccess? Load(string archiveFile)
    {
        try
        {
            return File.Exists(archiveFile) ? ArchiveAccess.Load(archiveFile) : null;
        }
        catch (Exception error) when (error is MigrationException or IOException or UnauthorizedAccessException)
        {
            return null; // whoever needs the file says what is wrong with it
        }
    }
}
