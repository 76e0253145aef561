using System.Runtime.InteropServices;

namespace PgMigration.LocalDms;

/// <summary>A session of its own: Ctrl-C in the terminal of whoever started this process is not meant for it.</summary>
internal static partial class OwnSession
{
    /// <summary>Leaves the starter's session.</summary>
    public static void Begin()
    {
        if (!OperatingSystem.IsWindows())
        {
            _ = SetSession();
        }
    }

    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int SetSession();
}
