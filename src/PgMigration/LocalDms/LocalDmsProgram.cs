using System.Diagnostics;

namespace PgMigration;

/// <summary>The program of the local DMS: where it lies, and what runs it.</summary>
/// <param name="Runtime">The dotnet command.</param>
/// <param name="Assembly">The program.</param>
internal sealed record LocalDmsProgram(string Runtime, string Assembly)
{
    private const string Name = "pgmigration-localdms.dll";

    private static string Dotnet => OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";

    /// <summary>Finds both.</summary>
    /// <param name="folder">Where the user says the program is; null for the usual places.</param>
    /// <exception cref="MigrationException"><c>LocalDmsProgramMissing</c>, <c>DotnetRuntimeMissing</c>.</exception>
    public static LocalDmsProgram Find(string? folder)
    {
        string own = Path.GetDirectoryName(typeof(LocalDmsProgram).Assembly.Location) ?? AppContext.BaseDirectory;
        string? native = Environment.GetEnvironmentVariable("PGMIGRATION_BIN");
        string?[] places = [folder, own, Path.GetFullPath(Path.Combine(own, "..", "..")), native is null ? null : Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(native))]; // the second from compiled/<platform>
        string assembly = places.OfType<string>().Select(place => Path.Combine(place, Name)).FirstOrDefault(File.Exists)
            ?? throw new MigrationException("LocalDmsProgramMissing", MigrationErrorKind.NotFound,
                $"{Name} was not found beside the module in '{own}'. Build it with ./build.ps1 Build.");
        return new(FindRuntime(), assembly);
    }

    /// <summary>A start of it; only the folder is on its command line.</summary>
    public ProcessStartInfo Start(string folder)
    {
        var start = new ProcessStartInfo(Runtime, [Assembly, folder])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        InheritedSecrets.Remove(start, folder);
        foreach (string key in start.Environment.Keys.Where(name => name.StartsWith("AWS_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(key);
        }

        return start;
    }

    // A pwsh from a package brings its own runtime, which only runs pwsh.
    private static string FindRuntime()
    {
        IEnumerable<string?> places =
        [
            Environment.GetEnvironmentVariable("DOTNET_ROOT"),
            Path.GetFileName(Environment.ProcessPath) == Dotnet ? Path.GetDirectoryName(Environment.ProcessPath) : null,
            .. (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
            "/usr/share/dotnet", "/usr/lib/dotnet", "/usr/local/share/dotnet",
        ];
        return places.OfType<string>().Select(place => Path.Combine(place, Dotnet)).FirstOrDefault(File.Exists)
            ?? throw new MigrationException("DotnetRuntimeMissing", MigrationErrorKind.NotFound,
                "The local DMS is a program of its own and needs the .NET 10 runtime, but no dotnet command was found in DOTNET_ROOT, on PATH or in the usual places. Install it (Debian: apt-get install dotnet-runtime-10.0).");
    }
}
