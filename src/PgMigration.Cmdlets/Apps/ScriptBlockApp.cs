using System.Management.Automation;
using System.Management.Automation.Language;
using System.Management.Automation.Runspaces;

namespace PgMigration.Cmdlets;

/// <summary>An app that the user's own script blocks stop, point elsewhere and start.</summary>
/// <remarks>
/// The blocks run in a session of our own, opened before anything is fenced: in a pipeline that is being stopped the caller's session runs
/// nothing any more, and an undo after Ctrl-C could not bring the app up again. So a block does not see the caller's variables and functions.
/// </remarks>
public sealed class ScriptBlockApp : MigrationApp
{
    private static readonly HashSet<string> Automatic = new(StringComparer.OrdinalIgnoreCase)
    {
        "_", "args", "null", "true", "false", "input", "error", "LASTEXITCODE", "PSItem", "PSVersionTable", "HOME", "PID", "PWD", "IsLinux", "IsWindows", "IsMacOS",
        "IsCoreCLR", "ErrorActionPreference", "ProgressPreference", "WarningPreference", "VerbosePreference", "MyInvocation", "PSScriptRoot", "Matches", "foreach", "switch", "this", "?", "OFS", "Host", "PSCmdlet", "PSBoundParameters", "PSNativeCommandUseErrorActionPreference",
    };

    private static readonly TimeSpan StopsWithin = TimeSpan.FromSeconds(3);

    private readonly ScriptBlock _pause;
    private readonly ScriptBlock _repoint;
    private readonly ScriptBlock _resume;
    private readonly object[] _arguments;
    private Runspace? _runspace;

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
        var session = Open();
        foreach (var (name, block) in (ValueTuple<string, ScriptBlock>[])[("-Pause", _pause), ("-Repoint", _repoint), ("-Resume", _resume)])
        {
            if (ForeignVariable(block) is { } variable)
            {
                throw new MigrationException("ScriptBlockNotSelfContained", MigrationErrorKind.InvalidArgument,
                    $"The script block {name} uses ${variable}, which it does not set; it runs in a session of its own and sees no variable of yours. Take it as a parameter (param(${variable})) and pass it with -ArgumentList.");
            }

            if (ForeignCommand(block, session) is { } command)
            {
                throw new MigrationException("ScriptBlockNotSelfContained", MigrationErrorKind.InvalidArgument,
                    $"The script block {name} calls '{command}', which its session does not know: it sees no function of yours. Define it within the block, or give a program by its path.");
            }

            if (block.Ast.Find(ast => ast is ExitStatementAst, searchNestedScriptBlocks: true) is not null)
            {
                throw new MigrationException("ScriptBlockExits", MigrationErrorKind.InvalidArgument, $"The script block {name} uses exit, which says nothing to its caller here. Use throw for a failure, return for an early end.");
            }
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task PauseAsync(CancellationToken cancel = default) => RunAsync("-Pause", _pause, _arguments, cancel);

    /// <inheritdoc/>
    public override Task RepointAsync(PgServer server, CancellationToken cancel = default) => RunAsync("-Repoint", _repoint, [server, .. _arguments], cancel);

    /// <inheritdoc/>
    public override Task ResumeAsync(CancellationToken cancel = default) => RunAsync("-Resume", _resume, _arguments, cancel);

    private Runspace Open()
    {
        if (_runspace is not { RunspaceStateInfo.State: RunspaceState.Opened })
        {
            _runspace = RunspaceFactory.CreateRunspace(InitialSessionState.CreateDefault2());
            _runspace.Open();
            _runspace.SessionStateProxy.SetVariable("ErrorActionPreference", ActionPreference.Stop);
            _runspace.SessionStateProxy.SetVariable("PSNativeCommandUseErrorActionPreference", true); // a program that fails is a failure
        }

        return _runspace;
    }

    private async Task RunAsync(string name, ScriptBlock block, object[] arguments, CancellationToken cancel)
    {
        var session = Open();
        var shell = PowerShell.Create();
        shell.Runspace = session;
        shell.AddScript(block.ToString()); // from its text: the block itself belongs to the caller's session
        foreach (object argument in arguments)
        {
            shell.AddArgument(argument);
        }

        var running = Task.Factory.FromAsync(shell.BeginInvoke(), shell.EndInvoke);
        _ = running.ContinueWith(_ => shell.Dispose(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        using var stop = cancel.Register(() => Task.Run(shell.Stop, CancellationToken.None)); // Stop waits, for ever if need be
        try
        {
            await Task.WhenAny(running, Task.Delay(Timeout.Infinite, cancel));
            await running.WaitAsync(StopsWithin, CancellationToken.None);
        }
        catch (TimeoutException error)
        {
            // It is in a call that cannot be interrupted. It keeps its session; the next block gets a new one.
            _runspace = null;
            throw new OperationCanceledException($"The script block {name} did not stop within {StopsWithin.TotalSeconds} s and was abandoned.", error, cancel);
        }
        catch (PipelineStoppedException error) when (cancel.IsCancellationRequested)
        {
            throw new OperationCanceledException($"The script block {name} was stopped.", error, cancel);
        }
        catch (RuntimeException error)
        {
            throw new MigrationException("ScriptBlockFailed", MigrationErrorKind.InvalidOperation, $"The script block {name} failed: {error.Message}", error);
        }
    }

    private static string? ForeignCommand(ScriptBlock block, Runspace session)
    {
        var own = block.Ast.FindAll(ast => ast is FunctionDefinitionAst, searchNestedScriptBlocks: true).Cast<FunctionDefinitionAst>()
            .Select(function => function.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (string command in block.Ast.FindAll(ast => ast is CommandAst, searchNestedScriptBlocks: true).Cast<CommandAst>()
            .Select(command => command.GetCommandName()).Where(command => command is not null && !own.Contains(command)).Distinct())
        {
            using var ask = PowerShell.Create();
            ask.Runspace = session;
            if (ask.AddCommand("Get-Command").AddParameter("Name", WildcardPattern.Escape(command)).AddParameter("ErrorAction", ActionPreference.Ignore).Invoke().Count == 0)
            {
                return command;
            }
        }

        return null;
    }

    private static string? ForeignVariable(ScriptBlock block)
    {
        var known = block.Ast.FindAll(ast => ast is ParameterAst or AssignmentStatementAst or ForEachStatementAst, searchNestedScriptBlocks: true)
            .SelectMany(ast => ast switch
            {
                ParameterAst parameter => [parameter.Name],
                ForEachStatementAst loop => [loop.Variable],
                AssignmentStatementAst assignment => assignment.Left.FindAll(left => left is VariableExpressionAst, searchNestedScriptBlocks: false).Cast<VariableExpressionAst>(),
                _ => Enumerable.Empty<VariableExpressionAst>(),
            })
            .Select(variable => variable.VariablePath.UserPath).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return block.Ast.FindAll(ast => ast is VariableExpressionAst, searchNestedScriptBlocks: true).Cast<VariableExpressionAst>()
            .Select(variable => variable.VariablePath)
            .FirstOrDefault(path => !path.IsDriveQualified && !known.Contains(path.UserPath) && !Automatic.Contains(path.UserPath))?.UserPath;
    }
}
