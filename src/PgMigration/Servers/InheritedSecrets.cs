using System.Diagnostics;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>
/// Keeps what a session's environment holds (DATABASE_URL, PGPASSWORD, the keys of other things) from servers and prefetchers, which live
/// for days and show it to every superuser of theirs.
/// </summary>
/// <remarks>They get what a service manager would give them, and what leads to the archive. Secrets have any name, so what is kept is listed, not what goes.</remarks>
internal static class InheritedSecrets
{
    private static readonly string[] Keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

    // What decrypts the archive is always in archive.json, and looked for nowhere else.
    private static readonly string[] Decrypting = ["WALG_LIBSODIUM_KEY", "WALG_PGP_KEY", "WALG_PGP_KEY_PASSPHRASE"];

    private static readonly string[] Kept =
        ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TZDIR", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "GNUPGHOME"];

    private static readonly string[] KeptPrefixes = ["LC_", "LD_", "AWS_", "WALG_", "WALE_", "SSL_CERT_", "DOTNET_", "MALLOC_", "PG_OOM_", "PGMIGRATION_"];

    /// <summary>Takes out of what a program of a data directory inherits all that it does not need, and the archive's keys when <c>archive.json</c> holds them.</summary>
    public static void Remove(ProcessStartInfo start, string dataDirectory)
    {
        bool holdsKeys = HoldsKeys(new RestoreLayout(dataDirectory).ArchiveFile);
        foreach (string name in start.Environment.Keys.Where(name => !IsKept(name) || Decrypting.Contains(name) || (holdsKeys && Keys.Contains(name))).ToList())
        {
            _ = start.Environment.Remove(name);
        }
    }

    /// <summary>Takes out all that a client program of a database does not need; what leads to an archive too.</summary>
    public static void Remove(ProcessStartInfo start)
    {
        foreach (string name in start.Environment.Keys.Where(name => !IsKept(name) || name.StartsWith("AWS_", StringComparison.Ordinal) || name.StartsWith("WAL", StringComparison.Ordinal)).ToList())
        {
            _ = start.Environment.Remove(name);
        }
    }

    private static bool IsKept(string name) =>
        Kept.Contains(name, StringComparer.OrdinalIgnoreCase) || KeptPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal));

    private static bool HoldsKeys(string archiveFile)
    {
        try
        {
            return File.Exists(archiveFile) && ArchiveAccess.Load(archiveFile).HoldsCredentials;
        }
        catch (Exception error) when (error is MigrationException or IOException or UnauthorizedAccessException)
        {
            return false; // whoever needs the file says what is wrong with it
        }
    }
}
