namespace PgMigration;

/// <summary>Makes the source refuse writes, and proves that it does.</summary>
public sealed class FenceSource : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(FenceSource);

    /// <inheritdoc/>
    public string Effect => "fence the source: revoke every right to write, set read-only defaults, end the sessions from before, and have a write refused";

    /// <inheritdoc/>
    public string UndoEffect => "give back the rights and settings that were there";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var session = await context.SourceSessionAsync(cancel);
        await Preconditions.CheckQuicklyAsync(context, cancel);
        if (context.Facts.Fence is null)
        {
            context.Learn(context.Facts with { Fence = await SourceFence.ReadAsync(session, cancel, context.SparedLogins) });
        }

        await SourceFence.RaiseAsync(session, context.Facts.Fence!, cancel);
        var proof = await SourceFence.ProveAsync(
            new FencedServer(session, context.OwnSourcePids, context.AppLogin is { } app ? [context.Source, app] : [context.Source], context.Options.FenceTimeout) { Spared = context.SparedLogins }, context.Facts.Fence!, context.Observer, cancel);
        context.FencedIncarnation = context.SourceIncarnation;
        context.Remember(context.Facts with { FenceSnapshot = proof.Snapshot });
        return proof.Seen;
    }

    /// <summary>Never taken for done on the journal's word: raising it again is quick, and proves it anew.</summary>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public async Task UndoAsync(CutoverContext context, CancellationToken cancel)
    {
        if (context.Facts.Fence is { } record)
        {
            FenceRemains.Tell(record, await SourceFence.LiftAsync(await context.SourceSessionAsync(cancel), record, cancel), context.Observer);
        }
    }
}
