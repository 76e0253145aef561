using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Whether this machine has what a copy of the source needs: its PostgreSQL, its extensions' files, its locale.</summary>
internal static class WalMachineFindings
{
    public static async Task<IReadOnlyList<ReadinessFinding>> FindAsync(NpgsqlConnection source, string? postgresBin, CancellationToken cancel)
    {
        if (!OperatingSystem.IsLinux())
        {
            return [Finding(FindingSeverity.Info, "MachineNotAsked", "this machine", "It restores nothing, since it is no Linux: whether the new server's machine has what it needs was not asked.", "Run this on the new server's machine.")];
        }

        var findings = new List<ReadinessFinding>();
        int major = source.PostgreSqlVersion.Major;
        PostgresBinaries binaries;
        try
        {
            binaries = PostgresBinaries.Find(postgresBin, major);
        }
        catch (MigrationException error) when (error.ErrorId == "PostgresNotFound")
        {
            return [Finding(FindingSeverity.Blocker, "PostgresMissing", string.Create(CultureInfo.InvariantCulture, $"PostgreSQL {major} on this machine"), "A copy runs only on the source's own major version.", error.Message)];
        }

        string shared = (await OutputAsync(binaries["pg_config"], "--sharedir", cancel) ?? Path.Combine(binaries.Folder, "..", "share")).Trim();
        var extensions = await source.RowsAsync("SELECT extname::text, extversion FROM pg_extension ORDER BY 1", row => (Name: row.GetString(0), Version: row.GetString(1)), cancel);
        findings.AddRange(extensions.Where(extension => Directory.Exists(Path.Combine(shared, "extension")) && !File.Exists(Path.Combine(shared, "extension", $"{extension.Name}.control"))).Select(extension => Finding(
            FindingSeverity.Blocker, "ExtensionMissing", $"extension {extension.Name} {extension.Version} on this machine", "Its functions, types and indexes fail on the copy when they are used: in the app, after the cutover.",
            string.Create(CultureInfo.InvariantCulture, $"Install the package of {extension.Name} for PostgreSQL {major} (Debian: postgresql-{major}-<name>, or postgresql-contrib)."))));
        string locale = await source.ScalarAsync<string>("SELECT datcollate::text FROM pg_database WHERE datname = current_database()", cancel);
        if (await OutputAsync("locale", "-a", cancel) is { } locales && locale is not ("C" or "POSIX") && !locales.Split('\n').Any(known => Plain(known) == Plain(locale)))
        {
            findings.Add(Finding(FindingSeverity.Blocker, "LocaleMissing", $"locale {locale} on this machine", "The copy's databases cannot be opened without it.", $"As root: localedef -i {locale.Split('.')[0]} -f UTF-8 {locale} (Debian: dpkg-reconfigure locales)."));
        }

        return findings;
    }

    // glibc writes en_US.UTF-8 as en_US.utf8
    private static string Plain(string locale) => locale.Trim().Replace("-", string.Empty, StringComparison.Ordinal).ToUpperInvariant();

    private static async Task<string?> OutputAsync(string program, string argument, CancellationToken cancel)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, argument) { RedirectStandardOutput = true })!;
            string output = await process.StandardOutput.ReadToEndAsync(cancel);
            await process.WaitForExitAsync(cancel);
            return process.ExitCode == 0 ? output : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null; // it is not there, so it cannot be asked
        }
    }

    private static ReadinessFinding Finding(FindingSeverity severity, string name, string subject, string consequence, string fix) =>
        new() { Severity = severity, Name = name, Subject = subject, Consequence = consequence, Fix = fix };
}
