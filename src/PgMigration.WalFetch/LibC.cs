using System.Runtime.InteropServices;

namespace PgMigration.WalFetch;

/// <summary>The system calls of this program. .NET's own sockets and processes would cost more start-up time than everything else here.</summary>
internal static unsafe partial class LibC
{
    public const int NotFound = 2; // ENOENT
    public const int OtherFileSystem = 18; // EXDEV
    public const short Readable = 1; // POLLIN
    public const int StreamSocket = 1 | 0x80000; // SOCK_STREAM | SOCK_CLOEXEC
    public const int UnixFamily = 1; // AF_UNIX
    public const int ReadOnly = 0x80000; // O_RDONLY | O_CLOEXEC
    public const int CreateNew = 1 | 0x40 | 0x200 | 0x80000; // O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
    public const int SetDescriptorFlags = 2; // F_SETFD
    public const int CloseOnExec = 1; // FD_CLOEXEC
    public const short NewSession = 0x80; // POSIX_SPAWN_SETSID
    public const int NoHang = 1; // WNOHANG

    /// <summary>One entry of poll(2).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [LibraryImport("libc", SetLastError = true)]
    public static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int connect(int descriptor, byte* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint read(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(int descriptor, byte* buffer, nuint count);

    /// <summary>Like write, but a peer that is gone gives EPIPE, not a signal that would look to PostgreSQL like a reason to stop.</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static partial nint send(int descriptor, byte* buffer, nuint count, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int poll(PollEntry* entries, nuint count, int timeoutMilliseconds);

    [LibraryImport("libc")]
    public static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fsync(int descriptor);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int rename(string from, string to);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int unlink(string path);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int access(string path, int mode);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int chdir(string path);

    [LibraryImport("libc")]
    public static partial int fcntl(int descriptor, int command, int argument);

    [LibraryImport("libc")]
    public static partial nint signal(int number, nint handler);

    [LibraryImport("libc")]
    public static partial int waitpid(int pid, int* status, int options);

    [LibraryImport("libc")]
    public static partial int posix_spawn_file_actions_init(byte* actions);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int posix_spawn_file_actions_addopen(byte* actions, int descriptor, string path, int flags, int mode);

    [LibraryImport("libc")]
    public static partial int posix_spawnattr_init(byte* attributes);

    [LibraryImport("libc")]
    public static partial int posix_spawnattr_setflags(byte* attributes, short flags);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int posix_spawn(int* pid, string path, byte* actions, byte* attributes, byte** arguments, byte** environment);
}
