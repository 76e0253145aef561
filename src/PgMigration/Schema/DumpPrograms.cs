using System.Diagnostics;
using System.Globalization;

namespace PgMigration;

/// <summary>pg_dump and pg_restore, run as clients: their server and its secret are in their environment, never among their arguments.</summary>
internal sealed class DumpPrograms(PostgresBinaries binaries)
{
    /// <summary>The programs of the target's version, which know its grammar; or the newest. pg_dump refuses a server that is newer than itself.</summary>
    /// <exception cref="MigrationException"><c>PostgresNotFound</c>; <c>PgDumpTooOld</c>.</exception>
    public static DumpPrograms Find(string? folder, int sourceMajor, int targetMajor)
    {
        PostgresBinaries? found = null;
        if (folder is null && targetMajor >= sourceMajor)
        {
            try
            {
                found = PostgresBinaries.FindClient(null, targetMajor);
            }
            catch (MigrationException error) when (error.ErrorId == "PostgresNotFound")
            {
                // any that is new enough for the source will do
            }
        }

        found ??= PostgresBinaries.FindClient(folder, null);
        return found.MajorVersion >= sourceMajor ? new DumpPrograms(found) : throw new MigrationException("PgDumpTooOld", MigrationErrorKind.NotFound, string.Create(CultureInfo.InvariantCulture,
            $"pg_dump in {found.Folder} is of version {found.MajorVersion} and cannot read the source, which is {sourceMajor}. Install the client programs of {Math.Max(sourceMajor, targetMajor)} (Debian: apt-get install postgresql-client-{Math.Max(sourceMajor, targetMajor)}), or give their folder with -PostgresBin."));
    }

    /// <summary>Writes the schema of a database into a file that pg_restore reads.</summary>
    /// <exception cref="MigrationException"><c>PgDumpFailed</c>, with what it said.</exception>
    public async Task DumpAsync(PgServer source, string file, IEnumerable<string> excludedSchemas, TimeSpan lockTimeout, CancellationToken cancel)
    {
        string[] arguments =
        [
            "--format=custom", "--schema-only", "--no-password", "--encoding=UTF8", "--file", file,
            string.Create(CultureInfo.InvariantCulture, $"--lock-wait-timeout={(long)lockTimeout.TotalMilliseconds}"),
            .. excludedSchemas.SelectMany(schema => (string[])["--exclude-schema", schema]),
        ];
        await RunAsync("pg_dump", arguments, source.ForLibpq, output: null, cancel);
    }

    /// <summary>The statements of a dump's section, each object under a comment that names it; or its list of contents.</summary>
    /// <exception cref="MigrationException"><c>PgDumpFailed</c>, with what it said.</exception>
    public async Task<string> ReadAsync(string file, CancellationToken cancel, params IEnumerable<string> arguments)
    {
        string text = string.Empty;
        string[] all = ["--verbose", .. binaries.MajorVersion >= 15 ? (string[])["--no-table-access-method"] : [], "--no-tablespaces", .. arguments, file];
        await RunAsync("pg_restore", all, _ => { }, async reader => text = await reader.ReadToEndAsync(cancel), cancel);
        return text;
    }

    private async Task RunAsync(string program, string[] arguments, Action<ProcessStartInfo> prepare, Func<StreamReader, Task>? output, CancellationToken cancel)
    {
        var start = new ProcessStartInfo(binaries[program], arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = System.Text.Encoding.UTF8 };
        InheritedSecrets.Remove(start);
        start.Environment["LC_ALL"] = "C"; // what it says is shown
        prepare(start);
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        try
        {
            var said = process.StandardError.ReadToEndAsync(cancel);
            await (output?.Invoke(process.StandardOutput) ?? process.StandardOutput.ReadToEndAsync(cancel));
            await process.WaitForExitAsync(cancel);
            if (process.ExitCode != 0)
            {
                string errors = string.Join(' ', (await said).Split('\n').Where(line => line.Contains("error:", StringComparison.Ordinal) || line.Contains("detail:", StringComparison.Ordinal) || line.Contains("hint:", StringComparison.Ordinal)));
                throw new MigrationException("PgDumpFailed", MigrationErrorKind.InvalidOperation,
                    string.Create(CultureInfo.InvariantCulture, $"{program} ended with exit code {process.ExitCode}: {Redaction.Of(errors)}{(errors.Contains("permission denied", StringComparison.Ordinal) ? " Dump as the owner of everything, or leave a schema out with -ExcludeSchema." : string.Empty)}"));
            }
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
            throw;
        }
    }
}
