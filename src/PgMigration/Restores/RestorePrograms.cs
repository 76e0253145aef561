using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>The two native programs beside a restored server: found where the module lies, and copied into the data directory.</summary>
/// <remarks>
/// Copied, since the link runs for days: the module may be updated or removed meanwhile, and its folder (a home of root, say) need not
/// be reachable for the server's OS user. A restore_command that cannot be executed ends the standby at once (exit code 126 or 127).
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed class RestorePrograms
{
    private const string FolderName = "bin";
    private const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static readonly string[] Names = ["pgmigration-walfetch", "pgmigration-walprefetch"];

    // The prefetcher loads it from beside itself when the archive is encrypted with it.
    private const string Libsodium = "libsodium.so";

    private readonly string _folder;

    private RestorePrograms(string folder) => _folder = folder;

    /// <summary>The program that restore_command calls, relative to the data directory.</summary>
    public static string Fetch => $"{RestoreLayout.FolderName}/{FolderName}/{Names[0]}";

    /// <summary>The prefetcher's copy, relative to the data directory.</summary>
    public static string InstalledPrefetch => $"{RestoreLayout.FolderName}/{FolderName}/{Names[1]}";

    /// <summary>The line for postgresql.conf.</summary>
    public static string RestoreCommand => $"{Fetch} %f %p %r";

    /// <summary>The prefetcher, which also is an archive_command, where the module lies.</summary>
    public string Prefetch => Path.Combine(_folder, Names[1]);

    /// <summary>Finds them.</summary>
    /// <param name="folder">Where the user says they are; null for the usual places.</param>
    /// <exception cref="MigrationException"><c>RestoreProgramsMissing</c>.</exception>
    public static RestorePrograms Find(string? folder)
    {
        string own = Path.GetDirectoryName(typeof(RestorePrograms).Assembly.Location) ?? AppContext.BaseDirectory;
        string?[] places = [folder, Environment.GetEnvironmentVariable("PGMIGRATION_BIN"), own, Path.Combine(own, "native"), Path.GetFullPath(Path.Combine(own, "..", "..", "native"))]; // the last from compiled/<platform>
        return places.OfType<string>().FirstOrDefault(place => Names.All(name => File.Exists(Path.Combine(place, name)))) is { } found
            ? new RestorePrograms(found)
            : throw new MigrationException("RestoreProgramsMissing", MigrationErrorKind.NotFound,
                $"The programs {string.Join(" and ", Names)} were not found beside the module in '{own}'. Build them with ./build.ps1 Build, or name their folder in PGMIGRATION_BIN.");
    }

    /// <summary>Copies them into the data directory, by rename since an older copy may be running.</summary>
    public void Install(DataDirectoryFiles files)
    {
        string folder = $"{RestoreLayout.FolderName}/{FolderName}";
        files.MakeFolder(folder);
        foreach (string name in Names.Append(Libsodium).Where(name => File.Exists(Path.Combine(_folder, name))))
        {
            string path = files[$"{folder}/{name}"];
            string temporary = path + ".new";
            File.Copy(Path.Combine(_folder, name), temporary, overwrite: true);
            File.SetUnixFileMode(temporary, Executable);
            files.Own(temporary);
            File.Move(temporary, path, overwrite: true);
        }
    }
}
