namespace PgMigration;

/// <summary>Removes from the target what the cutover needed there. The old server stays fenced.</summary>
public sealed class TidyUp : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(TidyUp);

    /// <inheritdoc/>
    public string Effect => "drop pgmigration.mark on the target; the old server stays fenced";

    /// <inheritdoc/>
    public string UndoEffect => "none: after the point of no return";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        await AppProof.WarnOfLeftAsync(context, cancel);
        await PrepareSource.ReadersAsBeforeAsync(context, cancel);
        if (context.Facts.WayBack is not null)
        {
            return "pgmigration.mark stays for the way back";
        }

        await MarkTable.RemoveAsync(await context.TargetSessionAsync(cancel), context.Facts.Id, cancel);
        return "pgmigration.mark dropped on the target";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
