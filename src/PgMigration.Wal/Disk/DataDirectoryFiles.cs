using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace PgMigration.Wal;

/// <summary>Makes files and folders of a restored data directory: owned by the server's OS user, closed to all others.</summary>
/// <remarks>
/// Safe to use from many threads. What is written here comes from outside: nothing is ever written through a link or onto one, but
/// through those of tablespaces, which <see cref="MakeLink"/> made.
/// </remarks>
[SupportedOSPlatform("linux")]
public sealed partial class DataDirectoryFiles
{
    private const UnixFileMode FolderMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode FileMode0600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // open(2) on Linux. Two flags differ between processors: asm-generic/fcntl.h, and arch/arm64/include/uapi/asm/fcntl.h.
    private const int WriteOnlyCreateCloseOnExec = 0x1 | 0x40 | 0x80000;
    private const int Exclusive = 0x80;
    private const int Truncate = 0x200;
    private static readonly bool IsArm = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;
    private static readonly int NoFollow = IsArm ? 0x8000 : 0x20000;
    private static readonly int Direct = IsArm ? 0x10000 : 0x4000;
    private const int SetFlags = 4; // fcntl(2): F_SETFL

    private const int FileExists = 17; // EEXIST
    private const int InvalidArgument = 22; // EINVAL and EOPNOTSUPP: the file system, or its device, does not do O_DIRECT as we ask for it
    private const int NotSupported = 95;
    private const int NoSpace = 28; // ENOSPC

    // Below this, the page cache gathers what lies together better than single writes do, and reserving blocks costs more than it saves.
    private const long Large = 256 * 1024;

    private readonly ConcurrentDictionary<string, bool> _folders = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _replaced = new(StringComparer.Ordinal);
    private readonly string _dataDirectory;
    private readonly FileOwner? _owner;
    private volatile bool _usesDirect = true;

    /// <summary>Files of one data directory.</summary>
    /// <param name="dataDirectory">The data directory, absolute.</param>
    /// <param name="owner">Who is to own them; null for the user of this process.</param>
    public DataDirectoryFiles(string dataDirectory, FileOwner? owner)
    {
        _dataDirectory = dataDirectory;
        _owner = owner;
    }

    /// <summary>Whether files of an earlier, unfinished run may be there: then they are replaced. Otherwise a file that is there came twice.</summary>
    internal bool ReplacesEarlier { get; init; }

    /// <summary>The full path of something in the data directory.</summary>
    public string this[string relative] => Path.Combine(_dataDirectory, relative);

    /// <summary>Makes a folder and those above it, up to the data directory.</summary>
    /// <exception cref="MigrationException"><c>FolderIsLink</c>: a link is there that is not ours.</exception>
    public void MakeFolder(string relative)
    {
        if (relative.Length == 0 || _folders.ContainsKey(relative))
        {
            return;
        }

        MakeFolder(Path.GetDirectoryName(relative)!);
        string path = this[relative];
        var found = new DirectoryInfo(path);
        if (found.LinkTarget is { } target)
        {
            throw new MigrationException("FolderIsLink", MigrationErrorKind.InvalidData,
                $"'{path}' is a link to '{target}', where a folder is to be made: nothing is written through it. Use an empty data directory; if it was empty, the backup cannot be trusted.");
        }

        if (!found.Exists)
        {
            Directory.CreateDirectory(path, FolderMode);
            Own(path);
        }

        _folders[relative] = true;
    }

    /// <summary>Opens a file to be written from its beginning; one that is there is replaced.</summary>
    /// <param name="relative">Its path.</param>
    /// <param name="length">How long it will be.</param>
    public SafeFileHandle OpenNew(string relative, long length) => OpenOwned(relative, Truncate, length);

    /// <summary>Gives a file, folder or link (not what it points to) to the server's OS user.</summary>
    public void Own(string path)
    {
        if (_owner is { } to && Lchown(path, to.UserId, to.GroupId) != 0)
        {
            throw OwnFailed(path);
        }
    }

    /// <summary>Opens a file of the backup, which must not come twice; a large one past the page cache, where the file system does that.</summary>
    /// <param name="relative">Its path.</param>
    /// <param name="length">How long it will be.</param>
    /// <param name="isDirect">Whether only aligned pieces may be written.</param>
    /// <exception cref="MigrationException"><c>EntryTwice</c>.</exception>
    internal SafeFileHandle OpenOnce(string relative, long length, out bool isDirect)
    {
        for (bool retried = false; ; retried = true)
        {
            isDirect = length >= Large && _usesDirect;
            try
            {
                return OpenOwned(relative, Exclusive | (isDirect ? Direct : 0), length);
            }
            catch (IOException error) when (error.HResult == FileExists && !retried && new FileInfo(this[relative]) is { Exists: true, LinkTarget: null })
            {
                if (!ReplacesEarlier || !_replaced.TryAdd(relative, true))
                {
                    throw new MigrationException("EntryTwice", MigrationErrorKind.InvalidData,
                        $"The backup holds '{relative}' more than once: nobody knows which of them counts. This backup is not restored; choose another with -BackupName.", error);
                }

                File.Delete(this[relative]);
            }
            catch (IOException error) when (isDirect && IsDirectRefused(error))
            {
                _usesDirect = false; // tmpfs, and some layered or encrypted file systems
                File.Delete(this[relative]); // some kernels make the file before they refuse the flag
            }
        }
    }

    /// <summary>Opens a file of which pages are there already, or makes it.</summary>
    /// <param name="relative">Its path.</param>
    /// <param name="length">How long it will be.</param>
    /// <param name="isDirect">Whether only aligned pieces may be written.</param>
    internal SafeFileHandle OpenKept(string relative, long length, out bool isDirect)
    {
        isDirect = length >= Large && _usesDirect;
        SafeFileHandle handle;
        try
        {
            handle = OpenOwned(relative, isDirect ? Direct : 0, length);
        }
        catch (IOException error) when (isDirect && IsDirectRefused(error))
        {
            _usesDirect = isDirect = false;
            handle = OpenOwned(relative, 0, length);
        }

        RandomAccess.SetLength(handle, length);
        return handle;
    }

    /// <summary>Whether an error says that the file system does no O_DIRECT.</summary>
    internal static bool IsDirectRefused(IOException error) => error.HResult is InvalidArgument or NotSupported;

    /// <summary>Writes an open file, and all later ones, through the page cache.</summary>
    internal void GiveUpDirect(SafeFileHandle handle)
    {
        _usesDirect = false;
        if (SetDescriptorFlags(handle, SetFlags, 0) != 0)
        {
            throw new IOException($"A file in '{_dataDirectory}' cannot be written: {Marshal.GetLastPInvokeErrorMessage()}.", Marshal.GetLastPInvokeError());
        }
    }

    private SafeFileHandle OpenOwned(string relative, int flags, long length)
    {
        MakeFolder(Path.GetDirectoryName(relative)!);
        var handle = Open(this[relative], WriteOnlyCreateCloseOnExec | NoFollow | flags, (uint)FileMode0600);
        try
        {
            if (handle.IsInvalid)
            {
                throw OpenFailed(relative);
            }

            File.SetUnixFileMode(handle, FileMode0600);
            if (_owner is { } to && Fchown(handle, to.UserId, to.GroupId) != 0)
            {
                throw OwnFailed(relative);
            }

            // A favour to the file system: one that cannot is not asked to. But one that is too full says so before it is filled to the brim.
            if (length >= Large && Fallocate(handle, 0, 0, length) != 0 && Marshal.GetLastPInvokeError() == NoSpace)
            {
                throw new IOException($"'{this[relative]}' of {length} bytes has no room on its file system.", NoSpace);
            }

            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Makes a tablespace's symbolic link, replacing one that is there; from then on files may be written below it.</summary>
    public void MakeLink(string relative, string target)
    {
        MakeFolder(Path.GetDirectoryName(relative)!);
        string path = this[relative];
        string? old = new FileInfo(path).LinkTarget;
        if (old != target)
        {
            File.Delete(path);
            File.CreateSymbolicLink(path, target);
            Own(path);
        }

        _folders[relative] = true;
    }

    /// <summary>Replaces a text file: whole or not at all, durably, mode 0600.</summary>
    public void WriteText(string relative, string text)
    {
        string temporary = relative + ".new";
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        using (var file = OpenNew(temporary, bytes.Length))
        {
            RandomAccess.Write(file, bytes, 0);
            RandomAccess.FlushToDisk(file);
        }

        File.Move(this[temporary], this[relative], overwrite: true);
        DirectorySync.Flush(Path.GetDirectoryName(this[relative])!);
    }

    // as the framework's own: the number of the error is the HResult, by which a full disk is known
    private IOException OpenFailed(string relative) => new($"'{this[relative]}' cannot be written: {Marshal.GetLastPInvokeErrorMessage()}.", Marshal.GetLastPInvokeError());

    private static IOException OwnFailed(string path) => new($"'{path}' cannot be given to the server's OS user: {Marshal.GetLastPInvokeErrorMessage()}.");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags, uint mode);

    // variadic in C: on x86-64 and Arm's Linux ABI an int is passed alike
    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int SetDescriptorFlags(SafeFileHandle file, int command, int flags);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Fallocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    private static partial int Fchown(SafeFileHandle file, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "lchown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Lchown(string path, uint user, uint group);
}
