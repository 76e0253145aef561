using System.Runtime.InteropServices;

namespace PgMigration.WalPrefetch;

/// <summary>Files in a data directory.</summary>
internal static partial class OwnFiles
{
    /// <summary>Gives new files the mode 0600 that PostgreSQL gives its own: segments of the pool become files of pg_wal.</summary>
    public static void AreForTheirOwnerOnly()
    {
        if (!OperatingSystem.IsWindows())
        {
            _ = SetMask(0x3F); // 077
        }
    }

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial uint SetMask(uint mask);
}
