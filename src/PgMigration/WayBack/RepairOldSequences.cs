namespace PgMigration;

/// <summary>Moves the old server's sequences behind everything that the new one gave out: logical replication carries none.</summary>
public sealed class RepairOldSequences : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(RepairOldSequences);

    /// <inheritdoc/>
    public string Effect => "move the old server's sequences to where the new server's are";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo: a sequence that is ahead collides with nothing";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        // The old server is fenced: what moves its sequences must say that it may write.
        var plan = await SequenceRepair.PlanAsync(context.Source.WithOptions("-c default_transaction_read_only=off"), context.Target, observer: context.Observer, cancel: cancel);
        var rows = await SequenceRepair.ApplyAsync(plan, context.Observer, cancel);
        return rows.FirstOrDefault(row => row.Action == SequenceAction.Failed) is { } failed ? throw failed.Failure() : plan.Summary;
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
