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
        int size = context.Facts.SegmentSize;
        var mark = context.Facts.MarkLsn!.Value;

        // The mark is the end of its record: a record that ends exactly with a segment lies in that one.
        ulong segment = (mark.Position - 1) / (ulong)size;
        if (await WalFiller.MaySwitchAsync(source, cancel))
        {
            await source.ExecuteAsync("select pg_switch_wal()", cancel);
            return $"switched away from the segment of {mark}";
        }

        var position = await WalFiller.InsertPositionAsync(source, cancel);
        while (position.Position / (ulong)size == segment)
        {
            await WalFiller.WriteAsync(source, WalFiller.Left(position, size), cancel);
            position = await WalFiller.InsertPositionAsync(source, cancel);
        }

        return $"filled up to {position}";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
