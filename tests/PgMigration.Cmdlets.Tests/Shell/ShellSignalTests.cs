using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;

namespace PgMigration.Cmdlets.Tests;

/// <summary>Ctrl-C, a dropped SSH session and a polite end stop the script, whose work cleans up; the next one ends the process.</summary>
[SupportedOSPlatform("linux")]
[SupportedOSPlatform("macos")]
public sealed class ShellSignalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    [InlineData("HUP", 129)]
    public async Task A_signal_stops_the_script_after_its_clean_up(string signal, int exitCode)
    {
        using var run = await StartWorkAsync(string.Empty);

        await run.SignalAsync(signal);
        var (code, output, _) = await run.EndAsync();

        Assert.Equal(exitCode, code);
        Assert.False(File.Exists(_folder["half"]));
        Assert.False(IsAlive(WorkerPid));
        Assert.Contains("WARNING: The work was undone.", output, StringComparison.Ordinal);
        Assert.DoesNotContain("the script went on", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_clean_up_that_failed_after_Ctrl_C_is_said()
    {
        using var run = await StartWorkAsync("-FailingUndo");

        await run.SignalAsync("INT");
        var (_, _, errors) = await run.EndAsync();

        Assert.Contains("could not be taken back", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_Ctrl_C_ends_a_script_that_does_not_stop()
    {
        await File.WriteAllTextAsync(_folder["script.ps1"], "'started'; [Threading.ManualResetEvent]::new($false).WaitOne()");
        using var run = ShellRun.Start(_folder["script.ps1"]);
        Assert.Equal("started", await run.ReadLineAsync());

        await run.SignalAsync("INT");
        await run.SignalAsync("INT");

        Assert.NotEqual(0, (await run.EndAsync()).ExitCode);
    }

    public void Dispose() => _folder.Dispose();

    private int WorkerPid => int.Parse(File.ReadAllText(_folder["pid"]), CultureInfo.InvariantCulture);

    private static bool IsAlive(int pid) => Process.GetProcesses().Any(process => process.Id == pid && !process.HasExited);

    private async Task<ShellRun> StartWorkAsync(string option)
    {
        await File.WriteAllTextAsync(_folder["script.ps1"], $"& '{Checkout.ImportTestCmdlets}' -Folder '{Checkout.TestCmdlets}'; Start-TestWork '{_folder.Path}' -Records 1 {option}; 'the script went on'");
        var run = ShellRun.Start(_folder["script.ps1"]);
        Assert.Equal("1", await run.ReadLineAsync());
        return run;
    }
}
