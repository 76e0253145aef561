using System.Diagnostics;
using Xunit;

namespace PgMigration;

/// <summary>The npm packages of tests/node.</summary>
public static class NodePackages
{
    /// <summary>Installs them where they are missing, or older than what package-lock.json says.</summary>
    /// <returns>The folder, from which node finds them.</returns>
    public static async Task<string> InstallAsync()
    {
        string node = Path.Combine(RepositoryRoot(), "tests", "node");
        if (IsInstalled(node))
        {
            return node;
        }

        // two test processes may come here at once
        await using var turn = await TakeTurnAsync(Path.Combine(Path.GetTempPath(), "pgmigration-npm.lock"));
        if (IsInstalled(node))
        {
            return node;
        }

        var start = OperatingSystem.IsWindows()
            ? new ProcessStartInfo("cmd", ["/c", "npm", "ci", "--no-audit", "--no-fund"])
            : new ProcessStartInfo("npm", ["ci", "--no-audit", "--no-fund"]);
        start.WorkingDirectory = node;
        start.RedirectStandardError = true;
        start.RedirectStandardOutput = true;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        string errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"npm ci in {node} failed: {errors}{await output}");
        return node;
    }

    private static bool IsInstalled(string node)
    {
        string marker = Path.Combine(node, "node_modules", ".package-lock.json"); // npm writes it last
        return File.Exists(marker) && File.GetLastWriteTimeUtc(marker) >= File.GetLastWriteTimeUtc(Path.Combine(node, "package-lock.json"));
    }

    private static async Task<FileStream> TakeTurnAsync(string path)
    {
        for (var deadline = Stopwatch.StartNew(); ; await Task.Delay(200))
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            }
            catch (IOException) when (deadline.Elapsed < TimeSpan.FromMinutes(3))
            {
                // the other one installs
            }
        }
    }

    private static string RepositoryRoot()
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "PgMigration.slnx")))
            {
                return folder;
            }
        }

        throw new InvalidOperationException("The tests run outside the repository.");
    }
}
