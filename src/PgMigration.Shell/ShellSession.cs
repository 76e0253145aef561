using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Management.Automation.Runspaces;

namespace PgMigration.Shell;

/// <summary>One run of a script or a command: the engine with our host, from the module's import to the exit code.</summary>
internal sealed class ShellSession : IDisposable
{
    private static readonly CmdletInfo Output = new("Out-Default", typeof(OutShellCommand));

    private readonly ShellOptions _options;
    private readonly ShellHost _host;
    private readonly Runspace _runspace;
    private readonly Interruption _interruption = new();

    public ShellSession(ShellOptions options)
    {
        _options = options;
        if (CultureInfo.CurrentCulture.Equals(CultureInfo.InvariantCulture))
        {
            // LANG is not set, as in most containers; the engine breaks lines between words only for cultures that it knows
            CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo("en-US");
        }

        _host = new ShellHost(options.NonInteractive);
        var state = InitialSessionState.CreateDefault2();
        state.ThreadOptions = PSThreadOptions.UseCurrentThread;
        if (OperatingSystem.IsWindows())
        {
            state.ExecutionPolicy = Microsoft.PowerShell.ExecutionPolicy.RemoteSigned;
        }

        if (!_host.ShowsColours)
        {
            PSStyle.Instance.OutputRendering = OutputRendering.PlainText;
        }

        _runspace = RunspaceFactory.CreateRunspace(_host, state);
        _runspace.Open();
        Runspace.DefaultRunspace = _runspace;
    }

    /// <summary>Runs what the command line asks for.</summary>
    /// <returns>The process's exit code.</returns>
    public int Run()
    {
        string? script = _options.File is null ? null : Path.GetFullPath(_options.File);
        if (script is not null && !File.Exists(script))
        {
            _host.UI.WriteErrorLine($"The script '{_options.File}' does not exist.");
            return 64;
        }

        // build.ps1 runs without the module: a process that has loaded it would go on running the old code after the build
        if (!_options.NoModule && BuiltModule.Find() is { } module && script != module.BuildScript
            && !Succeeds(engine => engine.AddCommand("Import-Module").AddParameter("Name", module.Manifest)))
        {
            return _interruption.ExitCode ?? 1;
        }

        string text = script is null ? CommandText(_options.Command!) : FileText(script, _options.Arguments);
        bool succeeded = Succeeds(engine => engine.AddScript(text));
        return _interruption.ExitCode ?? _host.ExitCode ?? (succeeded ? 0 : 1);
    }

    public void Dispose()
    {
        _interruption.Dispose();
        _runspace.Dispose();
    }

    /// <summary>
    /// The script with its arguments. Its <c>exit</c> leaves nothing but <c>$LASTEXITCODE</c>, as every native command does; yet only after
    /// an exit other than 0, or when it could not even begin, does <c>$?</c> say that the script itself failed. Outside a script file an
    /// exit reaches the host.
    /// </summary>
    private static string FileText(string script, IReadOnlyList<string> arguments)
    {
        var ast = Parser.ParseFile(script, out _, out _); // what is wrong with it the engine reports when it runs it
        return $"& {ScriptArguments.Quote(script)} {ScriptArguments.Render(arguments, ast)}\nif (-not $?) {{ exit ($LASTEXITCODE ? $LASTEXITCODE : 1) }}";
    }

    // as pwsh has it: a command line fails with its last command
    private static string CommandText(string text) => text + "\nif (-not $?) { exit 1 }";

    /// <summary>Runs a pipeline into the engine's own formatting; false when it ended with an error, which has then been shown.</summary>
    private bool Succeeds(Func<PowerShell, PowerShell> add)
    {
        using var engine = PowerShell.Create(_runspace);
        add(engine);
        engine.Commands.Commands[^1].MergeMyResults(PipelineResultTypes.Error, PipelineResultTypes.Output);
        engine.AddCommand(Output);
        using var stoppable = _interruption.Stops(engine);
        try
        {
            engine.Invoke();
            return _interruption.ExitCode is null; // an import that Ctrl-C stopped ends without a word, and the script must not begin
        }
        catch (PipelineStoppedException)
        {
            return false;
        }
        catch (RuntimeException failure)
        {
            Show(failure);
            return false;
        }
        finally
        {
            _host.EndProgress();
        }
    }

    private void Show(RuntimeException failure)
    {
        using var errors = _host.WriteToErrors();
        using var engine = PowerShell.Create(_runspace);
        engine.AddCommand(Output).AddParameter("InputObject", new ErrorRecord(failure.ErrorRecord, failure)).Invoke();
    }
}
