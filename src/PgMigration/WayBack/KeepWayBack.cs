namespace PgMigration;

/// <summary>Makes the slot on the promoted target, before anybody may write there: from here on nothing that is written escapes the old server.</summary>
public sealed class KeepWayBack : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(KeepWayBack);

    /// <inheritdoc/>
    public string Effect => "keep the way back: make the replication slot on the target before it opens";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo: the target is stopped";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var target = await context.TargetSessionAsync(cancel);
        await target.ExecuteAsync($"""
            select pg_create_logical_replication_slot('{WayBackRecord.Name}', 'pgoutput')
            where not exists (select from pg_replication_slots where slot_name = '{WayBackRecord.Name}')
            """, cancel);
        var record = context.Facts.WayBack!;
        context.Learn(context.Facts with { WayBack = record with { Counts = await Uncarried.CountAsync(target, record, cancel) } });
        return $"the slot {WayBackRecord.Name} keeps what is written from here on";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
