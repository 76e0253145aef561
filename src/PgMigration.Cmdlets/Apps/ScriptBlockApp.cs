using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>An app that the user's own script blocks stop, point elsewhere and start.</summary>
public sealed class ScriptBlockApp : MigrationApp
{
    private readonly ScriptSession _session = new();
    private readonly ScriptBlock _pause;
    private readonly ScriptBlock _repoint;
    private readonly ScriptBlock _resume;
    private readonly object[] _arguments;

    /// <summary>Describes the app.</summary>
    public ScriptBlockApp(ScriptBlock pause, ScriptBlock repoint, ScriptBlock resume, object[] arguments)
    {
        _pause = pause;
        _repoint = repoint;
        _resume = resume;
        _arguments = arguments;
    }

    /// <inheritdoc/>
    public override string Kind => "ScriptBlock";

    /// <summary>Opens the blocks' session, and refuses a block that uses a variable or a command which is not there, or <c>exit</c>.</summary>
    public override Task CheckAsync(PgServer source, CancellationToken cancel = default)
    {
        _session.Check("-Pause", _pause);
        _session.Check("-Repoint", _repoint);
        _session.Check("-Resume", _resume);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task PauseAsync(CancellationToken cancel = default) => _session.RunAsync("-Pause", _pause, _arguments, cancel);

    /// <inheritdoc/>
    public override Task RepointAsync(PgServer server, CancellationToken cancel = default) => _session.RunAsync("-Repoint", _repoint, [server, .. _arguments], cancel);

    /// <inheritdoc/>
    public override Task ResumeAsync(CancellationToken cancel = default) => _session.RunAsync("-Resume", _resume, _arguments, cancel);
}
