namespace PgMigration;

/// <summary>Asks whether going back along the way back loses nothing, before anything is touched.</summary>
public sealed class CheckWayBack : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(CheckWayBack);

    /// <inheritdoc/>
    public string Effect => "check that the old server follows the new one and lacks nothing; change nothing";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        await ProveAsync(context, cancel);
        context.Learn(context.Facts with { ReturnFence = await SourceFence.ReadAsync(await context.TargetSessionAsync(cancel), cancel) });
        return $"the old server follows, {context.Facts.WayBack!.Tables.Count} tables, nothing written to what it does not carry";
    }

    /// <summary>Proves that the old server follows, and that it lacks nothing.</summary>
    /// <exception cref="MigrationException"><c>CutoverGateClosed</c>, with what stands in the way.</exception>
    internal static async Task ProveAsync(CutoverContext context, CancellationToken cancel)
    {
        var target = await context.TargetSessionAsync(cancel);
        var source = await context.SourceSessionAsync(cancel);
        if (await target.ScalarAsync<bool>("select pg_is_in_recovery()", cancel) || await MarkTable.ReadAsync(target, context.Facts.Id, cancel) is null)
        {
            throw Preconditions.Closed($"The server at {context.Target} is not the one that this cutover opened: it does not hold its mark.");
        }

        if (await WriteRights.FindLeftAsync(source, sparesDms: false, cancel) is { } right)
        {
            throw Preconditions.Closed($"The old server {context.Source} is not fenced any more ({right.Grantee ?? "PUBLIC"} may {string.Join("/", right.Privileges)} {right.Objects[0]}): somebody may have written there since, and nobody can put the two together.");
        }

        if (!await target.ScalarAsync<bool>($"select coalesce((select active from pg_replication_slots where slot_name = '{WayBackRecord.Name}'), false)", cancel))
        {
            throw Preconditions.Closed("The old server does not follow the new one now (the slot is not active): going back would lose what was written since. Look at the old server's log for its subscription.");
        }

        await ProveNothingLostAsync(context, cancel);
    }

    /// <summary>Proves that nothing was written to what the way back does not carry.</summary>
    /// <exception cref="MigrationException"><c>CutoverGateClosed</c>, with what would be lost.</exception>
    internal static async Task ProveNothingLostAsync(CutoverContext context, CancellationToken cancel)
    {
        if (await Uncarried.FindLossesAsync(context, cancel) is { Count: > 0 } losses)
        {
            throw Preconditions.Closed($"Going back would lose what was written since to what the way back does not carry: {WayBack.Shown(losses)}. Copy it by hand, or stay.");
        }
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
