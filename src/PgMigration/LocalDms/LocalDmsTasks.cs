using System.Diagnostics;
using PgMigration.DmsModel;

namespace PgMigration;

/// <summary>Removes the tasks of a local DMS, and with them what they made on the source.</summary>
internal static class LocalDmsTasks
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    /// <summary>Stops and deletes all tasks.</summary>
    /// <exception cref="MigrationException"><c>LocalDmsTaskStays</c>: one does not go.</exception>
    public static async Task RemoveAsync(LocalDmsServer server, CancellationToken cancel)
    {
        using var client = new DmsClient(server.Access);
        var waited = Stopwatch.StartNew();
        while (await client.ListReplicationTasksAsync(cancel: cancel) is { Length: > 0 } tasks)
        {
            foreach (var task in tasks)
            {
                await StepAsync(client, task, cancel);
            }

            if (waited.Elapsed > Limit)
            {
                throw new MigrationException("LocalDmsTaskStays", MigrationErrorKind.Timeout,
                    $"Task '{tasks[0].ReplicationTaskIdentifier}' of the local DMS in '{server.Folder}' is {tasks[0].Status} and does not go. Its slot on the source may hold log: look at pg_replication_slots there.");
            }

            await Task.Delay(Look, cancel);
        }
    }

    // What it is at may change between the look and the step: the next look shows it.
    private static async Task StepAsync(DmsClient client, ReplicationTask task, CancellationToken cancel)
    {
        try
        {
            if (task.Status is "running" or "starting")
            {
                await client.StopReplicationTaskAsync(new() { ReplicationTaskArn = task.ReplicationTaskArn! }, cancel);
            }
            else if (task.Status is "ready" or "stopped" or "failed")
            {
                await client.DeleteReplicationTaskAsync(new() { ReplicationTaskArn = task.ReplicationTaskArn! }, cancel);
            }
        }
        catch (MigrationException error) when (error.ErrorId is "DmsInvalidResourceState" or "DmsResourceNotFound")
        {
        }
    }
}
