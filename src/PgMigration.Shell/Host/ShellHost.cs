using System.Globalization;
using System.Management.Automation.Host;
using System.Reflection;

namespace PgMigration.Shell;

/// <summary>What the engine sees of the process: its console and its exit code.</summary>
internal sealed class ShellHost(bool nonInteractive) : PSHost
{
    private readonly ShellUI _ui = new(nonInteractive);

    /// <summary>The number that <c>exit</c> was given outside a script file; null when there was none.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>Whether standard output is a terminal that wants colours.</summary>
    public bool ShowsColours => _ui.SupportsVirtualTerminal;

    public override CultureInfo CurrentCulture => CultureInfo.CurrentCulture;

    public override CultureInfo CurrentUICulture => CultureInfo.CurrentUICulture;

    public override Guid InstanceId { get; } = Guid.NewGuid();

    public override string Name => "pgmigration-shell";

    public override PSHostUserInterface UI => _ui;

    public override Version Version => Assembly.GetExecutingAssembly().GetName().Version!;

    /// <summary>Takes the progress line off the screen.</summary>
    public void EndProgress() => _ui.EndProgress();

    /// <summary>Sends all output to standard error until the returned object is disposed.</summary>
    public IDisposable WriteToErrors() => _ui.WriteToErrors();

    public override void SetShouldExit(int exitCode) => ExitCode = exitCode;

    public override void EnterNestedPrompt() => throw new NotSupportedException("There is no nested prompt here: the script runs without a person typing commands.");

    public override void ExitNestedPrompt() => throw new NotSupportedException("There is no nested prompt here: the script runs without a person typing commands.");

    public override void NotifyBeginApplication()
    {
    }

    public override void NotifyEndApplication()
    {
    }
}
