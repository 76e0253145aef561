using System.Diagnostics;

namespace PgMigration;

/// <summary>The programs of one PostgreSQL major version on this machine: initdb, pg_ctl, pg_controldata, postgres.</summary>
/// <param name="Folder">The folder that holds them.</param>
/// <param name="MajorVersion">15 for PostgreSQL 15.x.</param>
public sealed partial record PostgresBinaries(string Folder, int MajorVersion)
{
    /// <summary>Finds the programs of a major version, or the newest ones.</summary>
    /// <param name="folder">A folder to use as it is; null to look in the usual places (pg_config, /usr/lib/postgresql, PATH).</param>
    /// <param name="majorVersion">The major version wanted; null for the newest.</param>
    /// <exception cref="MigrationException"><c>PostgresNotFound</c>: none found, with what to install.</exception>
    public static PostgresBinaries Find(string? folder = null, int? majorVersion = null) => Find("postgres", folder, majorVersion);

    /// <summary>The same where only the client programs need be there: pg_dump and pg_restore.</summary>
    internal static PostgresBinaries FindClient(string? folder, int? majorVersion) => Find("pg_dump", folder, majorVersion);

    private static PostgresBinaries Find(string program, string? folder, int? majorVersion)
    {
        foreach (string candidate in folder is null ? UsualFolders(majorVersion) : [folder])
        {
            if (File.Exists(Path.Combine(candidate, program)) && VersionOf(Path.Combine(candidate, program)) is { } found && (majorVersion is null || majorVersion == found))
            {
                return new PostgresBinaries(candidate, found);
            }
        }

        string wanted = majorVersion is null ? "PostgreSQL" : $"PostgreSQL {majorVersion}";
        throw new MigrationException("PostgresNotFound", MigrationErrorKind.NotFound,
            folder is null
                ? $"No programs of {wanted} were found under /usr/lib/postgresql or on PATH. Install them (Debian: apt-get install postgresql-{(program == "postgres" ? string.Empty : "client-")}{majorVersion?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "15"}), or give their folder with -PostgresBin."
                : $"'{folder}' does not hold the programs of {wanted}. Expected {(program == "postgres" ? "postgres, pg_ctl and pg_controldata" : "pg_dump and pg_restore")} there.");
    }

    /// <summary>The full path of one program.</summary>
    public string this[string program] => Path.Combine(Folder, program);

    private static IEnumerable<string> UsualFolders(int? majorVersion)
    {
        if (Directory.Exists("/usr/lib/postgresql"))
        {
            foreach (string version in Directory.GetDirectories("/usr/lib/postgresql")
                .OrderByDescending(path => int.TryParse(Path.GetFileName(path), out int number) ? number : 0))
            {
                yield return Path.Combine(version, "bin");
            }
        }

        foreach (string path in (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            yield return path;
        }
    }

    private static int? VersionOf(string program)
    {
        var start = new ProcessStartInfo(program, "--version") { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        string text = process.StandardOutput.ReadToEnd(); // "postgres (PostgreSQL) 15.14 (Debian …)", or "16beta1"
        process.WaitForExit();
        int at = text.IndexOf(") ", StringComparison.Ordinal);
        var digits = at < 0 ? string.Empty : new string([.. text[(at + 2)..].TakeWhile(char.IsAsciiDigit)]);
        return int.TryParse(digits, out int major) ? major : null;
    }
}
