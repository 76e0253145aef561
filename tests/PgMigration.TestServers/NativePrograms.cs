using System.Diagnostics;
using Xunit;

namespace PgMigration;

/// <summary>The native programs of a restore, as they ship: from the folder that the build names in PGMIGRATION_BIN, or published once into the checkout's out/.</summary>
public static class NativePrograms
{
    private static readonly Lazy<Task<string>> Published = new(PublishAsync);

    /// <summary>The folder that holds them.</summary>
    public static Task<string> FolderAsync() => Published.Value;

    /// <summary>The newest file of a name below a folder of the checkout, such as a program that was built in whatever configuration.</summary>
    public static string InCheckout(string folder, string name) =>
        Directory.EnumerateFiles(Path.Combine(RootOfCheckout(), folder), name, SearchOption.AllDirectories).MaxBy(File.GetLastWriteTimeUtc)
        ?? throw new InvalidOperationException($"{name} has not been built. Run: dotnet run --project src/PgMigration.Shell -- build.ps1 Build");

    private static async Task<string> PublishAsync()
    {
        if (Environment.GetEnvironmentVariable("PGMIGRATION_BIN") is { Length: > 0 } given)
        {
            return given;
        }

        string root = RootOfCheckout();
        string folder = Path.Combine(root, "out", "tests-native");
        foreach (string project in (string[])["PgMigration.WalFetch", "PgMigration.WalPrefetch"])
        {
            var start = new ProcessStartInfo("dotnet", ["publish", Path.Combine(root, "src", project), "-c", "Release", "-o", folder, "-v", "quiet", "-nologo"]) { RedirectStandardOutput = true };
            using var publish = Process.Start(start)!;
            string output = await publish.StandardOutput.ReadToEndAsync();
            await publish.WaitForExitAsync();
            Assert.True(publish.ExitCode == 0, output);
        }

        return folder;
    }

    /// <summary>The folder of the solution.</summary>
    public static string RootOfCheckout()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "PgMigration.slnx")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not lie in a checkout.");
        }

        return folder;
    }
}
