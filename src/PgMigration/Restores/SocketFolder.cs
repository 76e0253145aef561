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

    /// <summary>Chooses the folder and makes it.</summary>
    public static string Make(RestoreLayout layout, DataDirectoryFiles files)
    {
        if (Fits(layout.Folder))
        {
            files.MakeFolder(RestoreLayout.FolderName);
            return layout.Folder;
        }

        string name = "/tmp/.pgmigration-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(layout.DataDirectory)))[..16];
        if (!Directory.Exists(name))
        {
            Directory.CreateDirectory(name, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        files.Own(name);
        return name;
    }

    private static bool Fits(string folder) => Encoding.UTF8.GetByteCount(folder + LongestName) <= LongestPath;
}
