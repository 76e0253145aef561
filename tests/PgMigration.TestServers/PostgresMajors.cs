using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Text.Json;

namespace PgMigration;

/// <summary>The major versions of PostgreSQL that tests can run: what is installed, and what npm's packages in tests/node bring (Linux on x64 only).</summary>
/// <remarks>
/// Those packages hold initdb, pg_ctl and postgres alone. pg_controldata is lent by the installed version: it reads pg_control of all of
/// them, as the fields that matter lie in the same places from 12 to 18 (it warns of the version that it does not know).
/// </remarks>
public static class PostgresMajors
{
    private static readonly Lazy<IReadOnlyDictionary<int, PostgresBinaries>> Found = new(FindAll);

    /// <summary>The major versions, oldest first.</summary>
    public static IEnumerable<int> Available => Found.Value.Keys.Order();

    /// <summary>The programs of a major version; null when there are none here.</summary>
    public static PostgresBinaries? Find(int major) => Found.Value.GetValueOrDefault(major);

    private static Dictionary<int, PostgresBinaries> FindAll()
    {
        var installed = PostgresBinaries.Find();
        var found = new Dictionary<int, PostgresBinaries> { [installed.MajorVersion] = installed };
        string packages = Path.Combine(NativePrograms.RootOfCheckout(), "tests", "node", "node_modules");
        foreach (string package in Directory.Exists(packages) ? Directory.GetDirectories(packages, "pg1?") : [])
        {
            if (OperatingSystem.IsLinux() && int.TryParse(Path.GetFileName(package)[2..], NumberStyles.None, CultureInfo.InvariantCulture, out int major) && found.TryAdd(major, new PostgresBinaries(string.Empty, major)))
            {
                found[major] = new PostgresBinaries(Path.Combine(Unpack(package, installed), "bin"), major);
            }
        }

        return found;
    }

    // The OS user that runs servers may not reach the checkout, and npm keeps no links: so a copy under /tmp, made once.
    [SupportedOSPlatform("linux")]
    private static string Unpack(string package, PostgresBinaries installed)
    {
        using var description = JsonDocument.Parse(File.ReadAllText(Path.Combine(package, "package.json")));
        string folder = Path.Combine("/tmp", $"pgm-postgres-{description.RootElement.GetProperty("version").GetString()}");
        if (Directory.Exists(folder))
        {
            return folder;
        }

        string copy = $"{folder}.{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}";
        using (var cp = Process.Start("cp", ["-r", Path.Combine(package, "native"), copy]))
        {
            cp.WaitForExit();
        }

        using var links = JsonDocument.Parse(File.ReadAllText(Path.Combine(copy, "pg-symlinks.json")));
        foreach (var link in links.RootElement.EnumerateArray())
        {
            string target = Path.Combine(copy, Path.GetRelativePath("native", link.GetProperty("target").GetString()!));
            File.Delete(target); // npm's own script may have made it
            File.CreateSymbolicLink(target, Path.GetFileName(link.GetProperty("source").GetString()!));
        }

        foreach (string program in Directory.GetFiles(Path.Combine(copy, "bin")))
        {
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(program, (UnixFileMode)0b111_101_101);
            }
        }

        File.CreateSymbolicLink(Path.Combine(copy, "bin", "pg_controldata"), installed["pg_controldata"]);
        try
        {
            Directory.Move(copy, folder);
        }
        catch (IOException) when (Directory.Exists(folder))
        {
            Directory.Delete(copy, recursive: true); // another test process was quicker
        }

        return folder;
    }
}
