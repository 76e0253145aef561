namespace PgMigration;

/// <summary>Completes the WAL segment that holds the mark, so that the host archives it now and not at archive_timeout.</summary>
public sealed class CompleteLastSegment : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(CompleteLastSegment);

    /// <inheritdoc/>
    public string Effect => "complete the WAL segment that holds the mark, by pg_switch_wal() or by a message as long as its rest";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo: a filler is only WAL";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var source = await context.FencedSourceSessionAsync(cancel);
        return await WalFiller.CompleteAsync(source, context.Facts.MarkLsn!.Value, context.Facts.SegmentSize, cancel);
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
