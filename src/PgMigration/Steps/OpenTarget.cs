namespace PgMigration;

/// <summary>Lifts the fence that the target inherited through the WAL. The point of no return: from its begin on the target may take the app's writes.</summary>
public sealed class OpenTarget : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(OpenTarget);

    /// <inheritdoc/>
    public string Effect => "open the target: lift the fence that came with the WAL";

    /// <inheritdoc/>
    public string UndoEffect => "none: what is committed there would be lost";

    /// <inheritdoc/>
    public CutoverMark Mark => CutoverMark.PointOfNoReturn;

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var record = context.Facts.Fence!;
        var target = await context.TargetSessionAsync(cancel);
        var lifted = await SourceFence.LiftAsync(target, record, cancel);
        FenceRemains.Tell(record, lifted, context.Observer);
        await SourceFence.ProveLiftedAsync(target, lifted, cancel);
        await using var fresh = await context.Target.ConnectAsync(cancel);
        string setting = await fresh.ScalarAsync<string>("show default_transaction_read_only", cancel);
        return setting == "off"
            ? "the fence is lifted, every right is back, a new session begins read-write"
            : throw new MigrationException("TargetStillFenced", MigrationErrorKind.InvalidOperation,
                $"A new session on {context.Target} still begins read-only after the fence was lifted. See SELECT * FROM pg_db_role_setting and postgresql.conf for default_transaction_read_only.");
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
