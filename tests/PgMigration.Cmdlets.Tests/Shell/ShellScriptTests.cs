namespace PgMigration.Cmdlets.Tests;

/// <summary>The shell runs scripts as pwsh does: arguments, exit codes, streams.</summary>
public sealed class ShellScriptTests : IDisposable
{
    private const string Parameters = "param([string] $Name, [switch] $Keep, [string[]] $List, [int] $Number = 1)\n\"$Name $Keep $($List.Count):$($List -join '|') $Number\"";

    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("exit 7", 7)]
    [InlineData("exit 0", 0)]
    [InlineData("'no exit'", 0)]
    [InlineData("throw 'boom'", 1)]
    [InlineData("$ErrorActionPreference = 'Stop'; nosuchcommand; exit 0", 1)]
    [InlineData("dotnet nosuchverb 2>&1 | Out-Null", 0)] // a failed program's code is not the script's
    [InlineData("dotnet nosuchverb 2>&1 | Out-Null; exit 0", 0)]
    [InlineData("dotnet nosuchverb 2>&1 | Out-Null; exit 3", 3)]
    [InlineData("param([Parameter(Mandatory)] $Missing)", 1)]
    [InlineData("this is { no script", 1)]
    public async Task A_script_ends_with_its_own_exit_code(string script, int exitCode) =>
        Assert.Equal(exitCode, (await RunAsync(script)).ExitCode);

    [Theory]
    [InlineData("1 + 1; exit 5", 5)]
    [InlineData("1 + 1", 0)]
    [InlineData("throw 'boom'", 1)]
    [InlineData("nosuchcommand", 1)]
    public async Task A_command_ends_with_its_own_exit_code(string command, int exitCode) =>
        Assert.Equal(exitCode, (await ShellRun.ToEndAsync("-NoProfile", "-Command", command)).ExitCode);

    [Theory]
    [InlineData("-Name x -Keep -List a,b -Number 5", "x True 2:a|b 5\n")]
    [InlineData("x -List a", "x False 1:a 1\n")]
    [InlineData("-Name:y -Keep:$false -Num 3", "y False 0: 3\n")]
    [InlineData("-Name a,b", "a,b False 0: 1\n")]
    [InlineData("-Name $HOME", "$HOME False 0: 1\n")]
    [InlineData("-Name it's", "it's False 0: 1\n")]
    public async Task Arguments_are_bound_by_name_as_the_script_declares_them(string arguments, string expected) =>
        Assert.Equal((0, expected, string.Empty), await RunAsync(Parameters, arguments.Split(' ')));

    [Fact]
    public async Task What_a_script_does_not_declare_reaches_its_args_and_can_be_passed_on() =>
        Assert.Equal("Rehearse 5GB True\n", (await RunAsync("param($Task)\nfunction inner($DataSize, [switch] $Keep) { \"$Task $DataSize $Keep\" }\ninner @args", "Rehearse", "-DataSize", "5GB", "-Keep")).Output);

    [Fact]
    public async Task A_script_knows_where_it_lies()
    {
        var (_, output, _) = await RunAsync("$PSScriptRoot; $PSCommandPath; $MyInvocation.MyCommand.Path");

        Assert.Equal($"{_folder.Path}\n{_folder["script.ps1"]}\n{_folder["script.ps1"]}\n", output);
    }

    [Fact]
    public async Task Errors_go_to_standard_error_and_redirected_output_has_no_colours_and_no_progress()
    {
        var (_, output, errors) = await RunAsync("[pscustomobject]@{ Name = 'a'; Size = 1 }; $PSStyle.Foreground.Red + 'red' + $PSStyle.Reset; $Host.UI.WriteProgress(1, [Management.Automation.ProgressRecord]::new(1, 'busy', 'very'))\nthrow 'boom'");

        Assert.Contains("Name Size", output, StringComparison.Ordinal);
        Assert.Contains("red\n", output, StringComparison.Ordinal);
        Assert.Contains("boom", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("boom", output, StringComparison.Ordinal);
        Assert.DoesNotContain("busy", output + errors, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', output + errors);
    }

    [Theory]
    [InlineData("throw 'boom'")]
    [InlineData("exit 1")]
    public async Task What_was_written_before_a_script_ended_early_is_shown(string end)
    {
        var (exitCode, output, _) = await RunAsync($"[pscustomobject]@{{ Severity = 'Blocker'; Finding = 'no primary key' }}; {end}");

        Assert.Equal(1, exitCode);
        Assert.Contains("no primary key", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_question_without_a_person_fails_and_says_so()
    {
        var (exitCode, _, errors) = await RunWithAsync("-NonInteractive", "$ErrorActionPreference = 'Stop'; $Host.UI.PromptForChoice('Cut over?', 'Really?', @('&Yes', '&No'), 1); exit 0");

        Assert.Contains("-NonInteractive", errors, StringComparison.Ordinal);
        Assert.Equal(1, exitCode);
    }

    [Fact]
    public async Task A_question_is_answered_from_standard_input()
    {
        await File.WriteAllTextAsync(_folder["script.ps1"], "param([Parameter(Mandatory)] [string] $Name) $Host.UI.PromptForChoice('Greet?', $Name, @('&Yes', '&No'), 1)");
        using var run = ShellRun.Start(_folder["script.ps1"]);
        await run.Input.WriteLineAsync("Ada");
        await run.Input.WriteLineAsync("maybe");
        await run.Input.WriteLineAsync("y");
        run.Input.Close();

        var (exitCode, output, _) = await run.EndAsync();

        Assert.Equal(0, exitCode);
        Assert.EndsWith("0\n", output, StringComparison.Ordinal);
        Assert.Contains("Ada", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_module_is_loaded() =>
        Assert.Equal("PgMigration\n", (await ShellRun.ToEndAsync("-Command", "(Get-Module PgMigration).Name")).Output);

    [Fact]
    public async Task Wrong_usage_is_explained() =>
        Assert.Equal(64, (await ShellRun.ToEndAsync("-Nonsense")).ExitCode);

    public void Dispose() => _folder.Dispose();

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(string script, params string[] arguments) => RunWithAsync("-NoProfile", script, arguments);

    private async Task<(int ExitCode, string Output, string Errors)> RunWithAsync(string option, string script, params string[] arguments)
    {
        await File.WriteAllTextAsync(_folder["script.ps1"], script);
        return await ShellRun.ToEndAsync([option, _folder["script.ps1"], .. arguments]);
    }
}
