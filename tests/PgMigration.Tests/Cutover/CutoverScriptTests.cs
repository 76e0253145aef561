using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;

namespace PgMigration.Tests;

/// <summary>A cutover as a script runs it: in a shell of its own, with an app of script blocks. Needs the module to have been built.</summary>
[SupportedOSPlatform("linux")]
public sealed class CutoverScriptTests : IAsyncLifetime, IDisposable
{
    private const string SmokeTest = """
        -SmokeTest { param($server, $log) $session = $server.ConnectAsync().GetAwaiter().GetResult(); $command = $session.CreateCommand(); $command.CommandText = 'create table smoke ()'; $said = 'takes writes'; try { $null = $command.ExecuteNonQuery() } catch { $said = 'refuses writes' }; [IO.File]::AppendAllText($log, "smoke test on $($server.Port) $said`n"); $session.Dispose() }
        """;

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
            using var shell = await StartAsync($"$link = {Link}; $link | Invoke-Cutover -App {App("sleep 900")} -PauseTimeout 900 -MaxPause 900 -Confirm:$false -Journal '{_folder}/{signal}.journal'; [IO.File]::AppendAllText('{Log}', 'went on')");
            var said = shell.StandardOutput.ReadToEndAsync();
            var errors = shell.StandardError.ReadToEndAsync();
            await ArchivingServer.UntilAsync("the app is being paused", () => Task.FromResult(File.ReadAllText(Log).Contains("pausing", StringComparison.Ordinal) || shell.HasExited));

            using (var kill = Process.Start("kill", [$"-{signal}", shell.Id.ToString(CultureInfo.InvariantCulture)]))
            {
                await kill.WaitForExitAsync();
            }

            await shell.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(120));

            Assert.Equal("pausing\nresumed\n", File.ReadAllText(Log));
            Assert.NotEqual(0, shell.ExitCode);
            Assert.Equal(CutoverOutcome.BackOnSource, CutoverRecord.Read($"{_folder}/{signal}.journal").Outcome);
            await _source.AddAsync(signal);
            string told = System.Text.RegularExpressions.Regex.Replace(await said + await errors, @"\s+|\e\[[0-9;]*m", " ");
            Assert.Contains("The cutover was interrupted. Everything is undone; the app runs on postgres://", told, StringComparison.Ordinal);
            Assert.Contains($"The record is in {_folder}/{signal}.journal.", told, StringComparison.Ordinal);
            Assert.DoesNotContain("its secret", await said + File.ReadAllText($"{_folder}/{signal}.journal"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Ctrl_C_in_an_undo_lets_it_end_and_says_where_the_app_runs()
    {
        File.WriteAllText(Log, string.Empty);
        string journal = $"{_folder}/undo.journal";
        string slow = App("[void]0").Replace("\"resumed`n\")", "\"resuming`n\"); [Threading.Thread]::Sleep(1500); [IO.File]::AppendAllText($log, \"resumed`n\")", StringComparison.Ordinal);
        using var shell = await StartAsync($"$link = {Link}; $app = {slow}; $null = $link | Wait-ReplicationLag -Below 64MB | Invoke-Cutover -App $app -Until PauseApp -LeaveAppPaused -Confirm:$false -Journal '{journal}'; $link | Undo-Cutover -App $app -Confirm:$false -Journal '{journal}'");
        var said = shell.StandardOutput.ReadToEndAsync();
        var errors = shell.StandardError.ReadToEndAsync();
        await ArchivingServer.UntilAsync("the app is being resumed", () => Task.FromResult(File.ReadAllText(Log).Contains("resuming", StringComparison.Ordinal) || shell.HasExited));

        using (var kill = Process.Start("kill", ["-INT", shell.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }

        await shell.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(120));
        string told = System.Text.RegularExpressions.Regex.Replace(await said + await errors, @"\s+|\e\[[0-9;]*m", " ");
        Assert.Equal("pausing\nresuming\nresumed\n", File.ReadAllText(Log));
        Assert.Contains("The cutover was interrupted and ran to its end all the same. Everything is undone; the app runs on postgres://", told, StringComparison.Ordinal);
        Assert.Contains($"The record is in {journal}.", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_script_prints_the_plan_and_then_runs_it()
    {
        File.WriteAllText(Log, string.Empty);
        using var shell = await StartAsync($"""
            $link = {Link}; $app = {App("[void]0", SmokeTest)}
            @($link | Invoke-Cutover -App $app -WhatIf).Step -join ' '
            [IO.File]::ReadAllText('{Log}').Length
            ($link | Wait-ReplicationLag -Below 64MB | Invoke-Cutover -App $app -Confirm:$false -Journal '{_folder}/done.journal').Outcome
            """);
        var lines = (await shell.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(line => !line.StartsWith("What if", StringComparison.Ordinal) && !line.StartsWith("WARNING", StringComparison.Ordinal)).ToList();
        string errors = await shell.StandardError.ReadToEndAsync();
        await shell.WaitForExitAsync();

        Assert.True(shell.ExitCode == 0, errors);
        Assert.Equal([string.Join(' ', CutoverPlan.ForWal(smokeTest: true).Steps.Select(step => step.Name)), "0", "CutOver"], lines);
        Assert.Equal($"pausing\nsmoke test on {_target.PortText} refuses writes\nrepointed to {_target.PortText}\nresumed\n", File.ReadAllText(Log));
    }

    [Fact]
    public async Task A_script_moves_an_app_on_Heroku_and_prints_neither_token_nor_secret()
    {
        using var heroku = new TestHeroku();
        string old = string.Create(CultureInfo.InvariantCulture, $"postgres://{_source.App.User}:its%20secret@127.0.0.1:{_source.App.Port}/{_source.App.Database}?pool=5");
        heroku.Attach("DATABASE", old);
        using var shell = await StartAsync($$"""
            $VerbosePreference = 'Continue'
            $app = New-MigrationApp -Heroku shop -ApiUrl {{heroku.Address}}
            $app.PSObject.Properties.ForEach{ "$($_.Name) = $($_.Value)" }
            {{Link}} | Wait-ReplicationLag -Below 64MB | Invoke-Cutover -App $app -Confirm:$false -Journal '{{_folder}}/heroku.journal'
            """, TestHeroku.Token);
        var output = shell.StandardOutput.ReadToEndAsync();
        string said = await shell.StandardError.ReadToEndAsync() + await output;
        await shell.WaitForExitAsync();

        Assert.True(shell.ExitCode == 0, said);
        Assert.Equal($"postgres://{_source.App.User}:its%20secret@127.0.0.1:{_target.PortText}/{_source.App.Database}?pool=5", heroku.Config["DATABASE_URL"]);
        Assert.Equal(["PGMIGRATION_OLD_DATABASE"], heroku.Attachments);
        Assert.Equal((false, 0, "0 2 1"), (heroku.Maintenance, heroku.RestartedDynos, string.Join(' ', heroku.Formation.Values)));
        Assert.DoesNotMatch("its%20secret|its secret|" + TestHeroku.Token, said + File.ReadAllText($"{_folder}/heroku.journal"));
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

    private string App(string whilePausing, string more = "") => $$"""
        (New-MigrationApp -ArgumentList '{{Log}}' -Pause { param($log) [IO.File]::AppendAllText($log, "pausing`n"); {{whilePausing}} } -Repoint { param($server, $log) [IO.File]::AppendAllText($log, "repointed to $($server.Port)`n") } -Resume { param($log) [IO.File]::AppendAllText($log, "resumed`n") } {{more}})
        """;

    private async Task<Process> StartAsync(string command, string? herokuToken = null)
    {
        var shell = new ProcessStartInfo("env", ["--default-signal=INT,QUIT", "dotnet", NativePrograms.InCheckout("src/PgMigration.Shell/bin", "pgmigration-shell.dll"), "-NonInteractive", "-Command", "$ErrorActionPreference = 'Stop'; " + command])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        shell.Environment["DATABASE_URL"] = string.Create(CultureInfo.InvariantCulture, $"postgres://{_source.App.User}:its%20secret@127.0.0.1:{_source.App.Port}/{_source.App.Database}");
        shell.Environment["HEROKU_API_KEY"] = herokuToken;
        shell.Environment["PGMIGRATION_BIN"] = await NativePrograms.FolderAsync();
        return Process.Start(shell)!;
    }
}
