using System.Runtime.InteropServices;

namespace PgMigration.Wal;

/// <summary>Makes names of a folder durable: after a power failure a renamed file must still have its new name.</summary>
internal static partial class DirectorySync
{
    /// <summary>Flushes a folder's entries. Windows has no such call: NTFS journals renames by itself.</summary>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int descriptor = Open(folder, 0); // O_RDONLY is 0 on every Unix
        if (descriptor < 0)
        {
            throw new IOException($"The folder '{folder}' cannot be opened to flush it: {Marshal.GetLastPInvokeErrorMessage()}.");
        }

        int result = Fsync(descriptor);
        string? error = result == 0 ? null : Marshal.GetLastPInvokeErrorMessage();
        _ = Close(descriptor);
        if (error is not null)
        {
            throw new IOException($"The folder '{folder}' cannot be flushed: {error}.");
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
