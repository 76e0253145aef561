using System.Globalization;

namespace PgMigration;

/// <summary>Proves that the promoted target is the source's continuation and takes writes, before anybody else may write to it.</summary>
public sealed class ProveTarget : ICutoverStep
{
    private static readonly TimeSpan CommitsWithin = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public string Name => nameof(ProveTarget);

    /// <inheritdoc/>
    public string Effect => "prove the target: the nonce there, a newer timeline, the same cluster, a write committed";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var target = await context.TargetSessionAsync(cancel);
        await DrainLink.ProveAsync(context, target, cancel);
        uint timeline = await MarkSource.TimelineAsync(target, cancel);
        if (timeline <= context.Facts.MarkTimeline)
        {
            throw new MigrationException("TimelineNotNewer", MigrationErrorKind.InvalidData,
                $"The target writes on timeline {timeline}, which is not newer than the source's {context.Facts.MarkTimeline}: it was not promoted from it.");
        }

        string cluster = await target.ScalarAsync<string>("select system_identifier::text from pg_control_system()", cancel);
        if (cluster != context.Facts.SystemIdentifier.ToString(CultureInfo.InvariantCulture))
        {
            throw new MigrationException("OtherCluster", MigrationErrorKind.InvalidData, $"The target's system identifier is {cluster}, expected {context.Facts.SystemIdentifier}.");
        }

        await MarkTable.ProveAsync(target, context.Facts.Id, CommitsWithin, cancel);
        context.Learn(context.Facts with { OpenedLsn = await target.LsnAsync("pg_current_wal_insert_lsn()", cancel) });
        return $"nonce found, timeline {context.Facts.MarkTimeline} → {timeline}, a write committed";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
