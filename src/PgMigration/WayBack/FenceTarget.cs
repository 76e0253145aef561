namespace PgMigration;

/// <summary>Makes the new server refuse writes, and proves that it does.</summary>
public sealed class FenceTarget : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(FenceTarget);

    /// <inheritdoc/>
    public string Effect => "fence the new server, and have a write refused there";

    /// <inheritdoc/>
    public string UndoEffect => "give back the rights and settings that were there";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var target = await context.TargetSessionAsync(cancel);
        await PreparedTransactions.RefuseOldAsync(target, context.Options.FenceTimeout, cancel);
        await SourceFence.RaiseAsync(target, context.Facts.ReturnFence!, cancel);
        var fenced = new FencedServer(target, [target.ProcessID], context.AppTarget == context.Target ? [context.Target] : [context.Target, context.AppTarget], context.Options.FenceTimeout);
        return (await SourceFence.ProveAsync(fenced, context.Facts.ReturnFence!, context.Observer, cancel)).Seen;
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public async Task UndoAsync(CutoverContext context, CancellationToken cancel) =>
        await SourceFence.LiftAsync(await context.TargetSessionAsync(cancel), context.Facts.ReturnFence!, cancel);
}
