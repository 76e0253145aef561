namespace PgMigration;

/// <summary>Makes on the source what the way back needs and the WAL carries to the target, and has the source try to reach the target.</summary>
public sealed class PrepareWayBack : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(PrepareWayBack);

    /// <inheritdoc/>
    public string Effect => "prepare the way back: a role and a publication that travel to the target; REPLICA IDENTITY FULL for tables without a key";

    /// <inheritdoc/>
    public string UndoEffect => "drop role and publication; replica identities as before";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var source = await context.SourceSessionAsync(cancel);
        if (context.Facts.WayBack is null)
        {
            context.Learn(context.Facts with { WayBack = await WayBack.ReadTablesAsync(source, cancel) });
        }

        var record = context.Facts.WayBack!;
        var login = await WayBack.PrepareAsync(context, record, cancel);
        var made = await WalFiller.InsertPositionAsync(source, cancel);
        await source.ExecuteAsync("select pg_switch_wal()", cancel); // an archive gets it now
        var target = await context.TargetSessionAsync(cancel);
        while (await target.LsnAsync("pg_last_wal_replay_lsn()", cancel) < made)
        {
            await Task.Delay(20, cancel); // a standby tells nobody how far it has replayed
        }

        await WayBack.TryAsync(context, login, cancel);
        return $"{record.Tables.Count} tables will be followed, {record.MadeFull.Count} of them without a key, {record.LeftOut.Count} left out; the source reaches the target";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public async Task UndoAsync(CutoverContext context, CancellationToken cancel)
    {
        if (context.Facts.WayBack is { } record)
        {
            await WayBack.RemoveAsync(await context.SourceSessionAsync(cancel), record, cancel);
        }
    }
}
