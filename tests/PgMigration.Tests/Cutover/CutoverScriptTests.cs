using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;

namespace PgMigration.Tests;

/// <summary>A cutover as a script runs it: in a shell of its own, with an app of script blocks. Needs the module to have been built.</summary>
[SupportedOSPlatform("linux")]
public sealed class CutoverScriptTests : IAsyncLifetime, IDisposable
{
    private readonly ArchivingServer _source = new();
    private RestoreTarget _target = null!;
    private string _folder = null!;

    private string Log => Path.Combine(_folder, "app.log");

    private string Link => $"Start-WalRestore '{_source.ArchiveFolder}' -DataDirectory '{_target.DataDirectory}' -Port {_target.PortText} -Source $env:DATABASE_URL -Confirm:$false";

    public async Task InitializeAsync()
    {
        await _source.InitializeAsync();
        await _source.FillAsync(100);
        await _source.BackUpAsync();
        _target = new RestoreTarget(_source);
        _target.MakeReachable();
        _folder = Directory.CreateTempSubdirectory("pgm-s").FullName;
    }

    public void Dispose() => _target.Dispose();

    public async Task DisposeAsync()
    {
        await ((IAsyncDisposable)_source).DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Ctrl_C_and_dropped_sessions_bring_the_app_up_again_by_its_own_script_block()
    {
        foreach (string signal in (string[])["INT", "TERM", "HUP"])
        {
            File.WriteAllText(Log, string.Empty);
            using var shell = await StartAsync($"$link = {Link}; $link | Invoke-Cutover -App {App("sleep 60")} -PauseTimeout 90 -MaxPause 90 -Confirm:$false -Journal '{_folder}/{signal}.journal'; [IO.File]::AppendAllText('{Log}', 'went on')");
            var said = shell.StandardOutput.ReadToEndAsync();
            await ArchivingServer.UntilAsync("the app is being paused", () => Task.FromResult(File.ReadAllText(Log).Contains("pausing", StringComparison.Ordinal) || shell.HasExited));

            using (var kill = Process.Start("kill", [$"-{signal}", shell.Id.ToString(CultureInfo.InvariantCulture)]))
            {
                await kill.WaitForExitAsync();
            }

            await shell.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));

            Assert.Equal("pausing\nresumed\n", File.ReadAllText(Log));
            Assert.NotEqual(0, shell.ExitCode);
            Assert.Equal(CutoverOutcome.BackOnSource, CutoverRecord.Read($"{_folder}/{signal}.journal").Outcome);
            await _source.AddAsync(signal);
            Assert.DoesNotContain("its secret", await said + File.ReadAllText($"{_folder}/{signal}.journal"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_script_prints_the_plan_and_then_runs_it()
    {
        File.WriteAllText(Log, string.Empty);
        using var shell = await StartAsync($"""
            $link = {Link}; $app = {App("[void]0")}
            @($link | Invoke-Cutover -App $app -WhatIf).Step -join ' '
            [IO.File]::ReadAllText('{Log}').Length
            ($link | Wait-ReplicationLag -Below 64MB | Invoke-Cutover -App $app -Confirm:$false -Journal '{_folder}/done.journal').Outcome
            """);
        var lines = (await shell.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(line => !line.StartsWith("What if", StringComparison.Ordinal)).ToList();
        string errors = await shell.StandardError.ReadToEndAsync();
        await shell.WaitForExitAsync();

        Assert.True(shell.ExitCode == 0, errors);
        Assert.Equal([string.Join(' ', CutoverPlan.ForWal().Steps.Select(step => step.Name)), "0", "CutOver"], lines);
        Assert.Equal($"pausing\nrepointed to {_target.PortText}\nresumed\n", File.ReadAllText(Log));
    }

    [Fact]
    public async Task A_block_that_cannot_be_interrupted_is_abandoned_and_the_app_let_go_on()
    {
        File.WriteAllText(Log, string.Empty);
        using var shell = await StartAsync($"{Link} | Invoke-Cutover -App {App("[Threading.Thread]::Sleep(200000)")} -PauseTimeout 1 -Confirm:$false -Journal '{_folder}/hung.journal'");
        string errors = await shell.StandardError.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));
        await shell.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(20));

        Assert.Contains("did not end within 1 s", errors.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.Equal("pausing\nresumed\n", File.ReadAllText(Log));
    }

    private string App(string whilePausing) => $$"""
        (New-MigrationApp -ArgumentList '{{Log}}' -Pause { param($log) [IO.File]::AppendAllText($log, "pausing`n"); {{whilePausing}} } -Repoint { param($server, $log) [IO.File]::AppendAllText($log, "repointed to $($server.Port)`n") } -Resume { param($log) [IO.File]::AppendAllText($log, "resumed`n") })
        """;

    private async Task<Process> StartAsync(string command)
    {
        var shell = new ProcessStartInfo("dotnet", [NativePrograms.InCheckout("src/PgMigration.Shell/bin", "pgmigration-shell.dll"), "-NonInteractive", "-Command", "$ErrorActionPreference = 'Stop'; " + command])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        shell.Environment["DATABASE_URL"] = string.Create(CultureInfo.InvariantCulture, $"postgres://{_source.App.User}:its%20secret@127.0.0.1:{_source.App.Port}/{_source.App.Database}");
        shell.Environment["PGMIGRATION_BIN"] = await NativePrograms.FolderAsync();
        return Process.Start(shell)!;
    }
}
