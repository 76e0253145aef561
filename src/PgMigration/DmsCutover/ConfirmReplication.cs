namespace PgMigration;

/// <summary>Asks again, just before the app is paused, what may have changed since the first step.</summary>
public sealed class ConfirmReplication : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(ConfirmReplication);

    /// <inheritdoc/>
    public string Effect => "ask again whether every table follows, what belongs to them is the same and none came since, the lag is small, nothing was skipped or is prepared, no transaction is old, and every gate passes";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        string[] tables = DmsProof.MovedTables(await DmsProof.FollowingAsync(context, cancel));
        var target = await context.TargetSessionAsync(cancel);
        string skipped = await DmsProof.NothingSkippedAsync(context, target, cancel);
        await TableChecks.AgainAsync(context, await context.SourceSessionAsync(cancel), target, tables, cancel);
        await CompileAhead.SettleAsync(cancel);
        string seen = await Preconditions.CheckAsync(context, cancel);
        CheckGates.Heed(await Task.WhenAll(context.Options.Gates.Select(gate => Task.Run(() => gate.TestOnceAsync(cancel), cancel))));
        return $"{skipped}, {seen}";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
