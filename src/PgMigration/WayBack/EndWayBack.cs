namespace PgMigration;

/// <summary>Removes what the way back needed on both servers. The new server stays fenced.</summary>
public sealed class EndWayBack : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(EndWayBack);

    /// <inheritdoc/>
    public string Effect => "remove subscription, slot, publication and role; the new server stays fenced";

    /// <inheritdoc/>
    public string UndoEffect => "none: after the point of no return";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var source = await context.SourceSessionAsync(cancel);
        await WayBack.RemoveAsync(source, context.Facts.WayBack!, cancel);
        await MarkTable.RemoveAsync(source, context.Facts.Id, cancel);
        await WayBack.RemoveAsync(await context.TargetSessionAsync(cancel), context.Facts.WayBack! with { MadeFull = new Dictionary<string, string>() }, cancel);
        return "nothing of the way back is left; the new server stays fenced";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
