using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace PgMigration;

/// <summary>Writes a configuration file that another program reads: at every moment, also on a full disk, the file is whole, old or new.</summary>
/// <remarks>
/// The new content goes into a temporary file in the same folder, which then takes the name; owner, group and mode stay, and a symbolic link stays a
/// link. Where that is not possible (the folder is not ours to write, the owner could not be kept, a single file mounted into a container), the
/// file is written over in place, after its space was reserved.
/// </remarks>
internal static partial class ReplacedFile
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint OwnerAndGroup = 0x18; // STATX_UID | STATX_GID

    /// <summary>Replaces the file's content.</summary>
    /// <exception cref="IOException">There is no space; the file is as it was.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written; it is as it was.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        string file = Target(path);
        if (TryPrepare(file, content) is not { } prepared)
        {
            WriteInPlace(file, content);
            return;
        }

        try
        {
            File.Move(prepared, file, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            File.Delete(prepared);
            WriteInPlace(file, content); // such as EBUSY: the file itself is a mount point
            return;
        }

        FlushFolder(Path.GetDirectoryName(file)!);
    }

    /// <summary>Whether <see cref="Write"/> could replace the file now; changes nothing.</summary>
    /// <inheritdoc cref="Write" path="/exception"/>
    public static void Check(string path)
    {
        string file = Target(path);
        using (new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            // it may be written
        }

        if (TryPrepare(file, File.ReadAllBytes(file)) is { } prepared)
        {
            File.Delete(prepared);
        }
    }

    private static string Target(string path) => Path.GetFullPath(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);

    /// <summary>The temporary file, on disk, with the owner and mode of the one that it replaces; null where none can be made.</summary>
    private static string? TryPrepare(string file, ReadOnlySpan<byte> content)
    {
        string temporary = Path.Combine(Path.GetDirectoryName(file)!, $".{Path.GetFileName(file)}.{RandomNumberGenerator.GetHexString(12, lowercase: true)}");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite; // it may hold passwords
        }

        bool made = false;
        try
        {
            using var stream = new FileStream(temporary, options);
            made = true;
            stream.Write(content);
            if (!TryTakeOwner(stream.SafeFileHandle, file))
            {
                throw new UnauthorizedAccessException();
            }

            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(stream.SafeFileHandle, File.GetUnixFileMode(file));
            }

            stream.Flush(flushToDisk: true);
            return temporary;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            if (made)
            {
                File.Delete(temporary);
            }

            return null;
        }
    }

    // Space first: a file that grows on a full disk is left as it was.
    private static void WriteInPlace(string file, ReadOnlySpan<byte> content)
    {
        using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        long length = RandomAccess.GetLength(handle);
        if (content.Length > length && OperatingSystem.IsLinux() && Reserve(handle, 0, content.Length) is var refused and not 0)
        {
            RandomAccess.SetLength(handle, length);
            throw new IOException($"{file} could not be written: {Marshal.GetPInvokeErrorMessage(refused)}. It is as it was.");
        }

        RandomAccess.Write(handle, content, 0);
        RandomAccess.SetLength(handle, content.Length);
        RandomAccess.FlushToDisk(handle);
    }

    private static bool TryTakeOwner(SafeFileHandle made, string file)
    {
        if (!OperatingSystem.IsLinux())
        {
            return true;
        }

        Span<byte> status = stackalloc byte[256]; // struct statx of Linux: the same on every architecture, stx_uid at 20, stx_gid at 24
        if (Status(CurrentFolder, file, 0, OwnerAndGroup, status) != 0)
        {
            return false;
        }

        return ChangeOwner(made, BitConverter.ToUInt32(status[20..]), BitConverter.ToUInt32(status[24..])) == 0;
    }

    private static void FlushFolder(string folder)
    {
        if (!OperatingSystem.IsWindows() && Open(folder, 0) is var descriptor and >= 0)
        {
            _ = Flush(descriptor);
            _ = Close(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Status(int folder, string path, int flags, uint mask, Span<byte> status);

    [LibraryImport("libc", EntryPoint = "fchown")]
    private static partial int ChangeOwner(SafeFileHandle file, uint owner, uint group);

    [LibraryImport("libc", EntryPoint = "posix_fallocate")]
    private static partial int Reserve(SafeFileHandle file, nint offset, nint length);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
