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

    [Fact]
    public async Task Ctrl_C_while_the_module_is_being_imported_does_not_let_the_script_begin()
    {
        string shell = CopyShellBesideModule("[Console]::Out.WriteLine('importing'); while ($true) { }");
        await File.WriteAllTextAsync(_folder["script.ps1"], "[Console]::Out.WriteLine('the script began')");
        using var run = ShellRun.StartCopy(shell, _folder["script.ps1"]);
        Assert.Equal("importing", await run.ReadLineAsync());

        await run.SignalAsync("INT");
        var (code, output, _) = await run.EndAsync();

        Assert.Equal(130, code);
        Assert.DoesNotContain("the script began", output, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>A copy of the shell in a checkout of its own, whose module is this script.</summary>
    private string CopyShellBesideModule(string script)
    {
        Directory.CreateDirectory(_folder["bin/module"]);
        File.WriteAllText(_folder["bin/module/current"], "stamp");
        File.WriteAllText(_folder["PgMigration.psd1"], "@{ RootModule = 'PgMigration.psm1'; ModuleVersion = '1.0' }");
        File.WriteAllText(_folder["PgMigration.psm1"], script);
        string from = Path.GetDirectoryName(Checkout.Shell)!;
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string to = Path.Combine(_folder["shell"], Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }

        return Path.Combine(_folder["shell"], Path.GetFileName(Checkout.Shell));
    }

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
