using System.Diagnostics;
using System.Globalization;

namespace PgMigration.Tests;

public sealed class LocalServerTests
{
    [Fact]
    public async Task A_killed_server_that_nobody_has_reaped_does_not_run()
    {
        string folder = Directory.CreateTempSubdirectory("pgm-z").FullName;
        string program = Path.Combine(folder, "postgres");
        File.Copy("/bin/sleep", program);

        // The shell becomes a sleep that never asks after its child: killed, the child stays a zombie.
        using var parent = Process.Start(new ProcessStartInfo("sh", ["-c", $"{program} 100 & echo $!; exec sleep 100"]) { RedirectStandardOutput = true })!;
        try
        {
            int child = int.Parse((await parent.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
            await File.WriteAllTextAsync(Path.Combine(folder, "postmaster.pid"), $"{child.ToString(CultureInfo.InvariantCulture)}\n");
            string Stat() => File.ReadAllText($"/proc/{child.ToString(CultureInfo.InvariantCulture)}/stat");
            await ArchivingServer.UntilAsync("the program runs", () => Task.FromResult(Stat().Contains("(postgres)", StringComparison.Ordinal)));
            Assert.Equal(child, LocalServer.ReadProcessId(folder));

            using (var kill = Process.Start("kill", ["-KILL", child.ToString(CultureInfo.InvariantCulture)]))
            {
                await kill.WaitForExitAsync();
            }

            await ArchivingServer.UntilAsync("it is a zombie", () => Task.FromResult(Stat().Contains(") Z ", StringComparison.Ordinal)));
            Assert.Null(LocalServer.ReadProcessId(folder));
        }
        finally
        {
            parent.Kill();
            Directory.Delete(folder, recursive: true);
        }
    }
}
