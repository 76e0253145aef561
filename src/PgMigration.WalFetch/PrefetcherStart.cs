using System.Runtime.InteropServices;

namespace PgMigration.WalFetch;

/// <summary>Starts the prefetcher of this data directory so that it outlives this program and the server's stop.</summary>
/// <remarks>
/// In a session of its own, or the server's fast stop would end it with our process group; with /dev/null for the standard streams and
/// nothing else inherited, or it would keep the server's logger alive. It locks a file: of two that start, one goes away again.
/// </remarks>
internal sealed unsafe class PrefetcherStart
{
    private const string ProgramName = "pgmigration-walprefetch";
    private const int AlreadyRunning = 3; // the exit code of one that found the lock taken
    private readonly int _pid;

    private PrefetcherStart(int pid) => _pid = pid;

    /// <summary>Whether the started prefetcher runs, has failed, or found the lock taken.</summary>
    public PrefetcherFate Fate()
    {
        int status = 0;
        return LibC.waitpid(_pid, &status, LibC.NoHang) != _pid ? PrefetcherFate.Runs
            : status == AlreadyRunning << 8 ? PrefetcherFate.FoundAnother
            : PrefetcherFate.Failed;
    }

    /// <summary>Starts it, from the folder in which this program lies.</summary>
    public static PrefetcherStart Now()
    {
        string program = Path.Combine(Path.GetDirectoryName(Environment.ProcessPath) ?? ".", ProgramName);
        CloseOnExecAll();

        // Opaque structures of libc, 80 and 336 bytes in glibc.
        byte* actions = stackalloc byte[1024];
        byte* attributes = stackalloc byte[1024];
        _ = LibC.posix_spawn_file_actions_init(actions);
        _ = LibC.posix_spawn_file_actions_addopen(actions, 0, "/dev/null", 0, 0);
        _ = LibC.posix_spawn_file_actions_addopen(actions, 1, "/dev/null", 1, 0);
        _ = LibC.posix_spawn_file_actions_addopen(actions, 2, "/dev/null", 1, 0);
        _ = LibC.posix_spawnattr_init(attributes);
        _ = LibC.posix_spawnattr_setflags(attributes, LibC.NewSession);

        byte** arguments = stackalloc byte*[4];
        arguments[0] = (byte*)Marshal.StringToCoTaskMemUTF8(program);
        arguments[1] = (byte*)Marshal.StringToCoTaskMemUTF8("run");
        arguments[2] = (byte*)Marshal.StringToCoTaskMemUTF8(Environment.CurrentDirectory);
        arguments[3] = null;
        byte** environment = *(byte***)NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "environ");

        int pid;
        int error = LibC.posix_spawn(&pid, program, actions, attributes, arguments, environment);
        return error == 0
            ? new PrefetcherStart(pid)
            : throw new InvalidOperationException("cannot start " + program + ", errno " + error.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    private static void CloseOnExecAll()
    {
        foreach (string entry in Directory.EnumerateFileSystemEntries("/proc/self/fd"))
        {
            if (int.TryParse(Path.GetFileName(entry), out int descriptor) && descriptor > 2)
            {
                _ = LibC.fcntl(descriptor, LibC.SetDescriptorFlags, LibC.CloseOnExec);
            }
        }
    }
}
