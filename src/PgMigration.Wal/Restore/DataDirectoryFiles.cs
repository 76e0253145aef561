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

    // open(2) on Linux. O_NOFOLLOW differs between processors: asm-generic/fcntl.h, and arch/arm64/include/uapi/asm/fcntl.h.
    private const int WriteOnlyCreateTruncateCloseOnExec = 0x1 | 0x40 | 0x200 | 0x80000;
    private static readonly int NoFollow = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x8000 : 0x20000;

    // Below this, reserving the blocks first costs more than it saves.
    private const long Preallocated = 256 * 1024;

    private readonly ConcurrentDictionary<string, bool> _folders = new(StringComparer.Ordinal);
    private readonly string _dataDirectory;
    private readonly FileOwner? _owner;

    /// <summary>Files of one data directory.</summary>
    /// <param name="dataDirectory">The data directory, absolute.</param>
    /// <param name="owner">Who is to own them; null for the user of this process.</param>
    public DataDirectoryFiles(string dataDirectory, FileOwner? owner)
    {
        _dataDirectory = dataDirectory;
        _owner = owner;
    }

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
    public SafeFileHandle OpenNew(string relative, long length)
    {
        MakeFolder(Path.GetDirectoryName(relative)!);
        var handle = Open(this[relative], WriteOnlyCreateTruncateCloseOnExec | NoFollow, (uint)FileMode0600);
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

            if (length >= Preallocated)
            {
                _ = Fallocate(handle, 0, 0, length); // a favour to the file system: when it cannot, the writes say why
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

    /// <summary>Gives a file, folder or link (not what it points to) to the server's OS user.</summary>
    public void Own(string path)
    {
        if (_owner is { } to && Lchown(path, to.UserId, to.GroupId) != 0)
        {
            throw OwnFailed(path);
        }
    }

    // as the framework's own: the number of the error is the HResult, by which a full disk is known
    private IOException OpenFailed(string relative) => new($"'{this[relative]}' cannot be written: {Marshal.GetLastPInvokeErrorMessage()}.", Marshal.GetLastPInvokeError());

    private static IOException OwnFailed(string path) => new($"'{path}' cannot be given to the server's OS user: {Marshal.GetLastPInvokeErrorMessage()}.");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "fallocate")]
    private static partial int Fallocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    private static partial int Fchown(SafeFileHandle file, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "lchown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Lchown(string path, uint user, uint group);
}
