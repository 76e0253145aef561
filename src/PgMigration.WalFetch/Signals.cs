using System.Runtime.InteropServices;

namespace PgMigration.WalFetch;

/// <summary>What signals do to this program.</summary>
internal static class Signals
{
    private static readonly int[] Terminating = [1, 2, 15]; // SIGHUP, SIGINT, SIGTERM

    /// <summary>
    /// Lets a terminating signal end the program at once with an ordinary exit code: the signal's own number, as libc's _exit is the handler.
    /// </summary>
    /// <remarks>
    /// A fast shutdown sends SIGTERM to the startup process and to its whole process group. The startup process then leaves by itself
    /// (StartupProcShutdownHandler, in_restore_command) and does not look at our exit code. A SIGTERM to us alone, from a person or a
    /// script, must not end the standby: PostgreSQL exits when restore_command died of a signal.
    /// </remarks>
    public static void EndOrdinarily()
    {
        nint exit = NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "_exit");
        foreach (int number in Terminating)
        {
            LibC.signal(number, exit);
        }
    }
}
