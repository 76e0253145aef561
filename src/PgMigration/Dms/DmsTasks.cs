using PgMigration.DmsModel;

namespace PgMigration;

/// <summary>Asks DMS about tasks.</summary>
internal static class DmsTasks
{
    /// <summary>The tasks of these ARNs, in that order.</summary>
    /// <exception cref="MigrationException"><c>DmsResourceNotFound</c>: one of them is not there.</exception>
    public static async Task<ReplicationTask[]> DescribeAsync(DmsClient dms, IReadOnlyList<string> arns, CancellationToken cancel)
    {
        var found = await dms.ListReplicationTasksAsync([new Filter { Name = "replication-task-arn", Values = [.. arns] }], cancel);
        return [.. arns.Select(arn => found.FirstOrDefault(task => task.ReplicationTaskArn == arn) ?? throw new MigrationException("DmsResourceNotFound", MigrationErrorKind.NotFound,
            $"{dms.Access} has no task {arn}. Check the ARN, the region and the account; Get-PgDmsReplication lists what there is."))];
    }

    /// <summary>The task of a name; null when there is none.</summary>
    public static async Task<ReplicationTask?> FindAsync(DmsClient dms, string identifier, CancellationToken cancel) =>
        (await ListOrNoneAsync(() => dms.ListReplicationTasksAsync([new Filter { Name = "replication-task-id", Values = [identifier] }], cancel)))
            .FirstOrDefault(task => string.Equals(task.ReplicationTaskIdentifier, identifier, StringComparison.OrdinalIgnoreCase));

    /// <summary>Tasks with all of their tables.</summary>
    public static async Task<DmsTaskReport[]> ReportAsync(DmsClient dms, IReadOnlyList<string> arns, CancellationToken cancel)
    {
        var reports = new List<DmsTaskReport>();
        foreach (var task in await DescribeAsync(dms, arns, cancel))
        {
            var tables = await dms.ListTableStatisticsAsync(task.ReplicationTaskArn!, cancel);
            reports.Add(DmsTaskReport.Of(task, [.. tables.Select(DmsTableReport.Of)]));
        }

        return [.. reports];
    }

    /// <summary>Tasks without their tables, unless something is wrong with some: cheap enough to ask each second.</summary>
    public static async Task<DmsTaskReport[]> GlanceAsync(DmsClient dms, IReadOnlyList<string> arns, CancellationToken cancel)
    {
        var tasks = await DescribeAsync(dms, arns, cancel);
        return tasks.Any(task => task.ReplicationTaskStats?.TablesErrored > 0) ? await ReportAsync(dms, arns, cancel) : [.. tasks.Select(task => DmsTaskReport.Of(task, []))];
    }

    /// <summary>Waits until a task has one of these statuses.</summary>
    /// <exception cref="MigrationException"><c>DmsTaskFailed</c>, <c>DmsWaitTimeout</c>.</exception>
    public static Task<ReplicationTask> UntilAsync(DmsClient dms, string arn, string[] statuses, TimeSpan timeout, IMigrationObserver observer, CancellationToken cancel)
    {
        string? name = null;
        return DmsWait.UntilAsync($"Waiting for task {arn[(arn.LastIndexOf(':') + 1)..]} to be {string.Join(" or ", statuses)}",
            async () => (await DescribeAsync(dms, [arn], cancel))[0],
            task =>
            {
                name = task.ReplicationTaskIdentifier;
                return statuses.Contains(task.Status) || (task.Status is "failed" or "failed-move"
                    ? throw new MigrationException("DmsTaskFailed", MigrationErrorKind.InvalidOperation, $"{DmsTaskReport.Of(task, []).Detail}")
                    : false);
            },
            task => $"{name}: {task.Status}{(task.Status == "running" || task.LastFailureMessage is not { Length: > 0 } failure ? string.Empty : $" ({failure.TrimEnd('.')})")}{(task.ReplicationTaskStats?.FullLoadProgressPercent is { } percent and > 0 ? $", {percent} % loaded" : string.Empty)}", timeout, observer, cancel);
    }

    /// <summary>The same, where a failure is a state like the others.</summary>
    public static Task<ReplicationTask> UntilAnyAsync(DmsClient dms, string arn, string[] statuses, TimeSpan timeout, IMigrationObserver observer, CancellationToken cancel) =>
        DmsWait.UntilAsync($"Waiting for task {arn[(arn.LastIndexOf(':') + 1)..]}", async () => (await DescribeAsync(dms, [arn], cancel))[0],
            task => statuses.Contains(task.Status), task => task.Status ?? "unknown", timeout, observer, cancel);

    /// <summary>A list, empty when DMS calls an empty one an error, as it does with filters.</summary>
    public static async Task<T[]> ListOrNoneAsync<T>(Func<Task<T[]>> list)
    {
        try
        {
            return await list();
        }
        catch (MigrationException error) when (error.ErrorId == "DmsResourceNotFound")
        {
            return [];
        }
    }
}
