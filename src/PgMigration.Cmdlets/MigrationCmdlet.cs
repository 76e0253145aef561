using System.Management.Automation;
using System.Runtime.InteropServices;

namespace PgMigration.Cmdlets;

/// <summary>
/// What every cmdlet of this module needs, once: asynchronous work whose records, warnings and progress reach the pipeline from any
/// thread, in order and at once; Ctrl-C and early stops that let the work clean up; errors with an id and a category.
/// </summary>
/// <remarks>
/// The work runs on a worker's thread, where the engine's own <c>WriteObject</c> and its kin throw and <c>ShouldProcess</c> answers
/// True without asking: a cmdlet calls <see cref="Write"/>, <see cref="ShouldAsync"/> and the other members below instead.
/// When the work is stopped its token is cancelled, and the pipeline waits until the work has ended. Work that would undo itself on
/// cancellation must give that up before it writes its result: what was handed on is never undone.
/// </remarks>
public abstract class MigrationCmdlet : PSCmdlet, IDisposable
{
    private readonly PipelinePump _pump = new();
    private PosixSignal? _signal;

    /// <summary>Makes the cmdlet and its way to the pipeline.</summary>
    protected MigrationCmdlet() => Observer = new CmdletObserver(this, _pump);

    /// <summary>Takes progress, warnings and details from any thread to the pipeline: hand it to long work.</summary>
    protected IMigrationObserver Observer { get; }

    /// <summary>
    /// Whether the work must clean up before the process ends on SIGHUP (a dropped SSH session) or SIGTERM. Its token is then cancelled,
    /// as is that of every other cmdlet in the pipeline, and the cmdlet ends with the terminating error <c>MigrationInterrupted</c>.
    /// </summary>
    protected virtual bool CleansUpOnSignals => false;

    /// <summary>The work before the first piped object.</summary>
    /// <param name="cancel">Cancelled by Ctrl-C, by an early stop and by signals.</param>
    protected virtual Task BeginAsync(CancellationToken cancel) => Task.CompletedTask;

    /// <summary>The work for each piped object, or the only work when nothing is piped.</summary>
    /// <param name="cancel">Cancelled by Ctrl-C, by an early stop and by signals.</param>
    protected virtual Task ProcessAsync(CancellationToken cancel) => Task.CompletedTask;

    /// <summary>The work after the last piped object; not reached after an early stop.</summary>
    /// <param name="cancel">Cancelled by Ctrl-C, by an early stop and by signals.</param>
    protected virtual Task EndAsync(CancellationToken cancel) => Task.CompletedTask;

    /// <summary>Hands an object to the next command, from any thread; waits while the pipeline is far behind.</summary>
    /// <param name="record">The object; a collection goes on as one object.</param>
    protected void Write(object? record) => _pump.Post(() => WriteObject(record));

    /// <summary>Writes a warning, from any thread; one that comes after Ctrl-C goes straight to the screen.</summary>
    /// <param name="message">What the engineer must know.</param>
    protected void WriteWarningLine(string message) => Observer.Warning(message);

    /// <summary>Writes a detail for those who asked with -Verbose, from any thread.</summary>
    /// <param name="message">The detail.</param>
    protected void WriteVerboseLine(string message) => Observer.Verbose(message);

    /// <summary>Reports a failure and goes on with the rest, from any thread. What must end the command is thrown instead.</summary>
    /// <param name="failure">What went wrong.</param>
    /// <param name="target">What it went wrong with; never a secret.</param>
    protected void WriteFailure(Exception failure, object? target = null)
    {
        var record = ErrorRecords.For(failure, target);
        _pump.Say(this, () => WriteError(record), lastWords: () => Host.UI.WriteErrorLine(record.ToString()));
    }

    /// <summary>Asks -WhatIf and -Confirm whether to act, from any thread.</summary>
    /// <param name="target">What is changed.</param>
    /// <param name="action">What is done to it.</param>
    /// <returns>False when the step must not be done.</returns>
    /// <exception cref="MigrationException"><c>ConfirmationImpossible</c>: it would have to ask, and the session has no terminal.</exception>
    protected async Task<bool> ShouldAsync(string target, string action) =>
        await _pump.AskAsync(() => Confirmation.Ask(this, target, action)) ?? throw Confirmation.Impossible(MyInvocation, target, action);

    /// <summary>Asks the engineer a question that -Confirm:$false does not answer, from any thread.</summary>
    /// <param name="query">The question.</param>
    /// <param name="caption">Its heading.</param>
    protected Task<bool> ShouldContinueAsync(string query, string caption) => _pump.AskAsync(() => ShouldContinue(query, caption));

    /// <summary>The full path of a file or folder, from any thread. The process's own directory is not the session's location.</summary>
    /// <param name="path">As typed: relative, with a drive or with <c>~</c>; it need not exist.</param>
    /// <exception cref="MigrationException"><c>PathNotOnDisk</c>: the path leads into another provider, such as <c>Env:</c>.</exception>
    protected string ResolvePath(string path) => _pump.Ask(() =>
    {
        string full = SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out var provider, out _);
        return provider.Name == "FileSystem" ? full : throw new MigrationException("PathNotOnDisk", MigrationErrorKind.InvalidArgument,
            $"'{path}' is a path of the provider {provider.Name}; expected a file or folder on disk.");
    });

    /// <summary>The value of a variable of the caller's session, such as <c>StoredAWSCredentials</c>, from any thread; null when it is not set.</summary>
    /// <param name="name">The variable's name without its dollar sign.</param>
    protected object? SessionVariable(string name) => _pump.Ask(() => SessionState.PSVariable.GetValue(name) switch
    {
        PSObject wrapped => wrapped.BaseObject,
        var value => value,
    });

    /// <inheritdoc/>
    protected sealed override void BeginProcessing() => Run(BeginAsync);

    /// <inheritdoc/>
    protected sealed override void ProcessRecord() => Run(ProcessAsync);

    /// <inheritdoc/>
    protected sealed override void EndProcessing() => Run(EndAsync);

    /// <inheritdoc/>
    protected sealed override void StopProcessing() => _pump.Cancel();

    /// <summary>Lets go of what the cmdlet holds. The engine always calls it: after an early stop it is the only call.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets go of what the cmdlet holds; overriders call the base first, so that nothing is written any more.</summary>
    /// <param name="disposing">True.</param>
    protected virtual void Dispose(bool disposing) => _pump.Dispose();

    private void Run(Func<CancellationToken, Task> work)
    {
        using var signals = TerminationSignals.Watch(Interrupt, keepProcess: CleansUpOnSignals);
        var failure = _pump.Run(work);
        if (_pump.PipelineFailure is null && !Stopping)
        {
            if (failure is not null || _signal is not null)
            {
                ThrowTerminatingError(_signal is { } signal ? ErrorRecords.Interrupted(signal, failure) : ErrorRecords.For(failure!));
            }

            return;
        }

        if (failure is not (null or OperationCanceledException))
        {
            // the pipeline shows no error any more, and nobody else will say that the clean-up failed
            Host.UI.WriteErrorLine(ErrorRecords.For(failure).ToString());
        }

        _pump.PipelineFailure?.Throw();
        throw new PipelineStoppedException();
    }

    private void Interrupt(PosixSignal signal)
    {
        _signal = signal;
        _pump.Cancel();
    }
}
