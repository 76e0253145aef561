using PgMigration.DmsModel;

namespace PgMigration;

/// <summary>Claims the source for this cutover. Its undo comes last, when the app runs again, and lets tasks that were stopped go on.</summary>
public sealed class PrepareReplication : ICutoverStep
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(75);

    /// <inheritdoc/>
    public string Name => nameof(PrepareReplication);

    /// <inheritdoc/>
    public string Effect => "create the table pgmigration.mark on the source and claim it";

    /// <inheritdoc/>
    public string UndoEffect => "drop pgmigration.mark; let the tasks go on that were stopped";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var source = await context.SourceSessionAsync(cancel);
        await MarkTable.CreateAsync(source, cancel);
        await MarkTable.ClaimAsync(source, context.Facts.Id, cancel);
        return "the source is claimed";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public async Task UndoAsync(CutoverContext context, CancellationToken cancel)
    {
        await MarkTable.RemoveAsync(await context.SourceSessionAsync(cancel), context.Facts.Id, cancel);
        if (!context.Journal.Entries.Any(entry => entry is { Event: CutoverEvent.Begun, Step: nameof(StopTasks) }))
        {
            return;
        }

        var link = DmsProof.LinkOf(context);
        try
        {
            using var dms = link.Connect();
            foreach (string arn in link.TaskArns)
            {
                // One that still stops can only be started when it has.
                var task = await DmsTasks.UntilAnyAsync(dms, arn, ["stopped", "failed", "running", "starting"], Patience, context.Observer, cancel);
                if (task.Status is "stopped" or "failed")
                {
                    await dms.StartReplicationTaskAsync(new StartReplicationTaskRequest { ReplicationTaskArn = arn, StartReplicationTaskType = "resume-processing" }, cancel);
                }
            }
        }
        catch (MigrationException error)
        {
            // The app runs on the source again, which is what an undo is for.
            context.Observer.Warning($"A task of DMS could not be resumed: {error.Message} Its slot keeps WAL on the source: run Start-PgDmsReplication again.");
        }
    }
}
