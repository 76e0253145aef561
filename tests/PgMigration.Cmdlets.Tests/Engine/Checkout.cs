using System.Reflection;

namespace PgMigration.Cmdlets.Tests;

/// <summary>Where things lie in the checkout that these tests were built from.</summary>
internal static class Checkout
{
    public static string Root { get; } = FindRoot();

    /// <summary>The module's manifest; its binaries must have been built.</summary>
    public static string Manifest { get; } = File.Exists(Path.Combine(Root, "bin", "module", "current"))
        ? Path.Combine(Root, "PgMigration.psd1")
        : throw new InvalidOperationException("The module has not been built. Run: dotnet run --project src/PgMigration.Shell -- build.ps1 Build");

    /// <summary>The folder of the newest build.</summary>
    public static string Stage => Path.Combine(Root, "bin", "module", File.ReadAllText(Path.Combine(Root, "bin", "module", "current")).Trim());

    /// <summary>The shell's program.</summary>
    public static string Shell { get; } = OutputOf("src/PgMigration.Shell", OperatingSystem.IsWindows() ? "pgmigration-shell.exe" : "pgmigration-shell");

    /// <summary>The script that imports the test cmdlets.</summary>
    public static string ImportTestCmdlets { get; } = Path.Combine(Root, "tests", "PgMigration.TestCmdlets", "Import.ps1");

    /// <summary>The folder of the test cmdlets' binaries.</summary>
    public static string TestCmdlets { get; } = Path.GetDirectoryName(OutputOf("tests/PgMigration.TestCmdlets", "PgMigration.TestCmdlets.dll"))!;

    /// <summary>An assembly of a NuGet package that is downloaded but not referenced.</summary>
    public static string PackageAssembly(string package, string version, string framework) =>
        Path.Combine(Metadata("NuGetPackageRoot"), package.ToLowerInvariant(), version, "lib", framework, package + ".dll");

    private static string OutputOf(string project, string file) => Path.Combine(Root, project, "bin", Metadata("Configuration"), "net10.0", file);

    private static string Metadata(string key) => typeof(Checkout).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == key).Value!;

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "PgMigration.slnx")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException($"No PgMigration.slnx lies above {AppContext.BaseDirectory}.");
        }

        return folder.FullName;
    }
}
