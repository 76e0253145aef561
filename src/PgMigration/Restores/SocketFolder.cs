using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>Where a restored server puts its Unix-domain socket: in <c>pgmigration/</c> if the path is short enough.</summary>
/// <remarks>A socket's path holds at most 107 bytes (sockaddr_un). Inside the data directory nobody but root and the OS user can reach it.</remarks>
[SupportedOSPlatform("linux")]
internal static class SocketFolder
{
    private const int LongestPath = 107;
    private const string LongestName = "/.s.PGSQL.65535.lock";

    /// <summary>Chooses the folder.</summary>
    public static string Choose(RestoreLayout layout) => Fits(layout.Folder)
        ? layout.Folder
        : "/tmp/.pgmigration-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(layout.DataDirectory)))[..16];

    /// <summary>Makes it, owned by the server's OS user and closed to others.</summary>
    public static void Make(string folder, DataDirectoryFiles files)
    {
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        files.Own(folder);
    }

    private static bool Fits(string folder) => Encoding.UTF8.GetByteCount(folder + LongestName) <= LongestPath;
}
