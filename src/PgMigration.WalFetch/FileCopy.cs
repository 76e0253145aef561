using System.Runtime.InteropServices;

namespace PgMigration.WalFetch;

/// <summary>For a pg_wal that lies on another file system than the data directory.</summary>
internal static unsafe class FileCopy
{
    private const int BufferSize = 1 << 20;

    /// <summary>Copies beside the destination, syncs, and renames there: PostgreSQL sees the whole file or none.</summary>
    public static void AcrossFileSystems(string source, string destination)
    {
        string temporary = destination + ".pgmigration";
        int from = LibC.open(source, LibC.ReadOnly, 0);
        int to = LibC.open(temporary, LibC.CreateNew, 0x180); // 0600
        Check(from >= 0 && to >= 0, "open", temporary);
        byte* buffer = (byte*)NativeMemory.Alloc(BufferSize);
        nint count;
        while ((count = LibC.read(from, buffer, BufferSize)) > 0)
        {
            for (nint done = 0; done < count;)
            {
                nint written = LibC.write(to, buffer + done, (nuint)(count - done));
                Check(written > 0, "write", temporary);
                done += written;
            }
        }

        NativeMemory.Free(buffer);
        Check(count == 0, "read", source);
        Check(LibC.fsync(to) == 0, "sync", temporary);
        Check(LibC.close(to) == 0 && LibC.rename(temporary, destination) == 0, "rename", temporary);
        _ = LibC.close(from);
        _ = LibC.unlink(source);
    }

    private static void Check(bool succeeded, string what, string path)
    {
        if (!succeeded)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new InvalidOperationException("cannot " + what + " " + path + ", errno " + error.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
    }
}
