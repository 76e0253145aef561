namespace PgMigration;

/// <summary>Lifts the old server's fence. The point of no return of the way back: from its begin on the old server may take the app's writes.</summary>
public sealed class OpenSource : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(OpenSource);

    /// <inheritdoc/>
    public string Effect => "open the old server: end its subscription and lift its fence";

    /// <inheritdoc/>
    public string UndoEffect => "none: what is committed there would be lost";

    /// <inheritdoc/>
    public CutoverMark Mark => CutoverMark.PointOfNoReturn;

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var source = await context.SourceSessionAsync(cancel);
        if (await source.ScalarAsync<bool>($"select exists (select from pg_subscription where subname = '{WayBackRecord.Name}')", cancel))
        {
            await source.ExecuteAsync($"alter subscription {WayBackRecord.Name} disable", cancel);
        }

        var lifted = await SourceFence.LiftAsync(source, context.Facts.Fence!, cancel);
        FenceRemains.Tell(context.Facts.Fence!, lifted, context.Observer);
        await SourceFence.ProveLiftedAsync(source, lifted, cancel);
        return "the fence of the old server is lifted, every right is back";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
