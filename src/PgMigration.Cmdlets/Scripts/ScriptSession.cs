using System.Collections.ObjectModel;
using System.Diagnostics.CodeAnalysis;
using System.Management.Automation;
using System.Management.Automation.Runspaces;

namespace PgMigration.Cmdlets;

/// <summary>A session of our own in which the user's script blocks run: for apps, gates and smoke tests.</summary>
/// <remarks>
/// It is opened before anything is fenced: in a pipeline that is being stopped the caller's session runs nothing any more, and an undo
/// after Ctrl-C could not bring the app up again. So a block does not see the caller's variables and functions.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore that nobody waits for by its handle has nothing to dispose.")]
internal sealed class ScriptSession
{
    private static readonly TimeSpan StopsWithin = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _turn = new(1);
    private Runspace? _runspace;

    /// <summary>Opens the session, and refuses a block that uses a variable or a command which is not there, or <c>exit</c>.</summary>
    /// <param name="name">What the user calls the block, such as <c>-Pause</c>.</param>
    /// <param name="block">The block.</param>
    /// <exception cref="MigrationException"><c>ScriptBlockNotSelfContained</c>, <c>ScriptBlockExits</c>.</exception>
    public void Check(string name, ScriptBlock block) => ScriptBlockRules.Check(name, block, Open());

    /// <summary>
    /// Runs a block and returns what it wrote, after those that run already: a gate may be asked from several places at once. It is stopped on
    /// cancellation, and abandoned when it does not heed that.
    /// </summary>
    /// <param name="name">What the user calls the block.</param>
    /// <param name="block">The block.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="MigrationException"><c>ScriptBlockFailed</c>: it threw, or a program in it failed.</exception>
    public async Task<Collection<PSObject>> RunAsync(string name, ScriptBlock block, object[] arguments, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            return await RunAloneAsync(name, block, arguments, cancel);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<Collection<PSObject>> RunAloneAsync(string name, ScriptBlock block, object[] arguments, CancellationToken cancel)
    {
        var shell = PowerShell.Create();
        shell.Runspace = Open();
        shell.AddScript(block.ToString()); // from its text: the block itself belongs to the caller's session
        foreach (object argument in arguments)
        {
            shell.AddArgument(argument);
        }

        var output = new PSDataCollection<PSObject>();
        var running = Task.Factory.FromAsync(shell.BeginInvoke<PSObject, PSObject>(null, output), shell.EndInvoke);
        _ = running.ContinueWith(_ => shell.Dispose(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        using var stop = cancel.Register(() => Task.Run(shell.Stop, CancellationToken.None)); // Stop waits, for ever if need be
        try
        {
            await Task.WhenAny(running, Task.Delay(Timeout.Infinite, cancel));
            await running.WaitAsync(StopsWithin, CancellationToken.None);
            return output.ReadAll();
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
            // what was thrown, without the engine's words about the preference that made an end of it
            throw new MigrationException("ScriptBlockFailed", MigrationErrorKind.InvalidOperation, $"The script block {name} failed: {error.ErrorRecord.Exception?.Message ?? error.Message}", error);
        }
    }

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
}
