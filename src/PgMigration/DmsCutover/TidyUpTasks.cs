namespace PgMigration;

/// <summary>Says what is left to do. The old server stays fenced, and what DMS left there is removed by Remove-PgDmsReplication.</summary>
public sealed class TidyUpTasks : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(TidyUpTasks);

    /// <inheritdoc/>
    public string Effect => "say what is left: the tasks are stopped and remain until Remove-PgDmsReplication; the old server stays fenced";

    /// <inheritdoc/>
    public string UndoEffect => "none: after the point of no return";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        context.Observer.Warning("The tasks of DMS are stopped and still there, and their slots keep WAL on the old server: Remove-PgDmsReplication takes them away once you do not need them.");
        await AppProof.WarnOfLeftAsync(context, cancel);
        return "tasks stopped, to be removed with Remove-PgDmsReplication";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
