using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace PgMigration.Wal;

/// <summary>Flushes whole file systems at once: one syncfs for a million files instead of an fsync for each.</summary>
/// <remarks>
/// syncfs reports write errors that happened since the descriptor was opened (Linux 5.8, syncfs(2)): so it is opened before the
/// first file is written, and kept.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed partial class FileSystemSync : IDisposable
{
    private const int ReadOnly = 0;
    private const int CloseOnExec = 0x80000;

    private readonly List<(string Folder, int Descriptor)> _open = [];

    /// <summary>Opens the file systems on which these folders lie.</summary>
    public FileSystemSync(IEnumerable<string> folders)
    {
        foreach (string folder in folders)
        {
            int descriptor = Open(folder, ReadOnly | CloseOnExec);
            _open.Add(descriptor >= 0 ? (folder, descriptor) : throw Failed(folder));
        }
    }

    /// <summary>Returns once everything written to them so far is on disk.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public void Flush()
    {
        foreach (var (folder, descriptor) in _open)
        {
            if (SyncFS(descriptor) != 0)
            {
                throw Failed(folder);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, descriptor) in _open)
        {
            _ = Close(descriptor);
        }

        _open.Clear();
    }

    private static IOException Failed(string folder) => new($"The file system of '{folder}' cannot be flushed: {Marshal.GetLastPInvokeErrorMessage()}.");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    private static partial int SyncFS(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
