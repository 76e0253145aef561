using Npgsql;
using PgMigration.DmsModel;

namespace PgMigration;

/// <summary>Removes a replication by DMS: its tasks, what was made for them, and what DMS leaves on both servers.</summary>
/// <remarks>
/// DMS drops its slot with the task, unless the source could not be reached just then; its event trigger, heartbeat and control tables it leaves.
/// Whatever is left on the source keeps WAL, or fails the next DDL. What other tasks still need stays, and is named. Safe to run again.
/// </remarks>
public static class DmsRemoval
{
    private const string LeftoversSql = """
        select kind, name, statement from (
            select 1 as place, 'Publication' as kind, pubname::text as name, format('drop publication if exists %I', pubname) as statement from pg_publication where pubname like 'awsdms%'
            union all
            select 2, 'EventTrigger', evtname::text, format('drop event trigger if exists %I', evtname) from pg_event_trigger where evtname like 'awsdms%'
            union all
            select 3, 'Function', p.oid::regprocedure::text, format('drop function if exists %s', p.oid::regprocedure) from pg_proc p where p.proname like 'awsdms%'
            union all
            select 4, 'Table', format('%I.%I', n.nspname, c.relname), format('drop table if exists %I.%I', n.nspname, c.relname)
            from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and c.relname like 'awsdms\_%') left_over
        order by place, name
        """;

    /// <summary>Removes everything, and reports each thing.</summary>
    /// <param name="link">The link whose tasks they are.</param>
    /// <param name="timeout">How long a task may take to stop and to go.</param>
    /// <param name="observer">Who watches.</param>
    /// <param name="cancel">Ends it; run again it goes on.</param>
    public static async Task<DmsRemoved[]> RemoveAsync(DmsLink link, TimeSpan timeout, IMigrationObserver observer, CancellationToken cancel = default)
    {
        var removed = new List<DmsRemoved>();
        using (var dms = link.Connect())
        {
            var tasks = await DmsTasks.ListOrNoneAsync(() => dms.ListReplicationTasksAsync([new Filter { Name = "replication-task-arn", Values = link.TaskArns }], cancel));
            await RemoveTasksAsync(dms, tasks, timeout, observer, removed, cancel);
            await RemoveSurroundingsAsync(dms, tasks, link, removed, cancel);
        }

        if (link.Source is { } source)
        {
            await using var session = await source.ConnectAsync(DmsLagProbe.SessionOptions, cancel);
            await RemoveSlotsAsync(session, link, removed, cancel);
            await CleanAsync(session, link, "Source", removed, cancel);
        }

        await using var target = await link.Target.ConnectAsync(DmsLagProbe.SessionOptions, cancel);
        await CleanAsync(target, link, "Target", removed, cancel);
        return [.. removed];
    }

    private static async Task RemoveTasksAsync(DmsClient dms, ReplicationTask[] tasks, TimeSpan timeout, IMigrationObserver observer, List<DmsRemoved> removed, CancellationToken cancel)
    {
        foreach (var task in tasks)
        {
            string arn = task.ReplicationTaskArn!;
            var now = await DmsTasks.UntilAnyAsync(dms, arn, ["ready", "running", "stopped", "failed", "deleting"], timeout, observer, cancel);
            if (now.Status == "running")
            {
                await dms.StopReplicationTaskAsync(new StopReplicationTaskRequest { ReplicationTaskArn = arn }, cancel);
                now = await DmsTasks.UntilAnyAsync(dms, arn, ["stopped", "failed"], timeout, observer, cancel);
            }

            if (now.Status != "deleting")
            {
                await dms.DeleteReplicationTaskAsync(new DeleteReplicationTaskRequest { ReplicationTaskArn = arn }, cancel);
            }

            await DmsWait.UntilAsync($"Waiting until task {task.ReplicationTaskIdentifier} is gone",
                async () => (await DmsTasks.ListOrNoneAsync(() => dms.ListReplicationTasksAsync([new Filter { Name = "replication-task-arn", Values = [arn] }], cancel))).FirstOrDefault(),
                seen => seen is null, seen => seen?.Status ?? "gone", timeout, observer, cancel);
            removed.Add(new("Task", task.ReplicationTaskIdentifier!, "DMS", true));
        }
    }

    // Only what has our name, and nobody else's task: what was adopted belongs to somebody.
    private static async Task RemoveSurroundingsAsync(DmsClient dms, ReplicationTask[] tasks, DmsLink link, List<DmsRemoved> removed, CancellationToken cancel)
    {
        var left = await DmsTasks.ListOrNoneAsync(() => dms.ListReplicationTasksAsync(null, cancel));
        string[] names = [.. link.Tasks.Select(task => task.Identifier.LastIndexOf('-') is > 0 and var end ? task.Identifier[..end] : task.Identifier).Distinct()];
        foreach (var endpoint in await DmsTasks.ListOrNoneAsync(() => dms.ListEndpointsAsync(null, cancel)))
        {
            bool isOurs = names.Any(name => endpoint.EndpointIdentifier == $"{name}-source" || endpoint.EndpointIdentifier == $"{name}-target");
            bool isUsed = left.Any(task => task.SourceEndpointArn == endpoint.EndpointArn || task.TargetEndpointArn == endpoint.EndpointArn);
            if (isOurs && !isUsed)
            {
                await dms.DeleteEndpointAsync(new DeleteEndpointRequest { EndpointArn = endpoint.EndpointArn! }, cancel);
                removed.Add(new("Endpoint", endpoint.EndpointIdentifier!, "DMS", true));
            }
            else if (isOurs || tasks.Any(task => task.SourceEndpointArn == endpoint.EndpointArn || task.TargetEndpointArn == endpoint.EndpointArn))
            {
                removed.Add(new("Endpoint", endpoint.EndpointIdentifier!, "DMS", false, isUsed ? "another task uses it" : "it was made by somebody else"));
            }
        }

        foreach (var instance in await DmsTasks.ListOrNoneAsync(() => dms.ListReplicationInstancesAsync(null, cancel)))
        {
            bool isOurs = names.Contains(instance.ReplicationInstanceIdentifier);
            bool isUsed = left.Any(task => task.ReplicationInstanceArn == instance.ReplicationInstanceArn);
            if (isOurs && !isUsed && instance.ReplicationInstanceStatus != "deleting")
            {
                await dms.DeleteReplicationInstanceAsync(new DeleteReplicationInstanceRequest { ReplicationInstanceArn = instance.ReplicationInstanceArn! }, cancel);
                removed.Add(new("Instance", instance.ReplicationInstanceIdentifier!, "DMS", true));
            }
            else if ((isOurs && isUsed) || tasks.Any(task => task.ReplicationInstanceArn == instance.ReplicationInstanceArn))
            {
                removed.Add(new("Instance", instance.ReplicationInstanceIdentifier!, "DMS", false, isUsed ? "another task uses it" : instance.ReplicationInstanceStatus == "deleting" ? "it is being deleted" : "it was made by somebody else"));
            }
        }
    }

    // What is in doubt is left, and named: a slot that is dropped takes with it what its consumer has not read.
    private static async Task RemoveSlotsAsync(NpgsqlConnection source, DmsLink link, List<DmsRemoved> removed, CancellationToken cancel)
    {
        bool hasOthers = await HasOthersAsync(source, link, cancel);
        var known = (await DmsSlots.ReadAsync(source, link, cancel)).Select(slot => slot.Name).ToHashSet();
        foreach (string slot in await DmsSlots.FindNewAsync(source, cancel))
        {
            if (known.Contains(slot) && DmsSlots.IsOwn(link, slot, hasOthers))
            {
                removed.Add(new("Slot", slot, "Source", await DmsSlots.DropAsync(source, slot, cancel)));
            }
            else if (!hasOthers)
            {
                removed.Add(new("Slot", slot, "Source", false, $"it came after DMS was started, or was made for it, and may be somebody else's; if nobody needs it: SELECT pg_drop_replication_slot({SqlText.Literal(slot)})"));
            }
        }
    }

    private static async Task CleanAsync(NpgsqlConnection session, DmsLink link, string where, List<DmsRemoved> removed, CancellationToken cancel)
    {
        bool others = await HasOthersAsync(session, link, cancel);
        foreach (var (kind, name, statement) in await session.RowsAsync(LeftoversSql, row => (row.GetString(0), row.GetString(1), row.GetString(2)), cancel))
        {
            if (others)
            {
                removed.Add(new(kind, name, where, false, "other tasks of DMS may need it"));
                continue;
            }

            try
            {
                await session.ExecuteAsync(statement, cancel);
                removed.Add(new(kind, name, where, true));
            }
            catch (PostgresException error)
            {
                removed.Add(new(kind, name, where, false, $"{error.MessageText}. Somebody who may, runs: {statement}"));
            }
        }

        foreach (var task in link.Tasks)
        {
            if (await session.ScalarAsync<bool>("select to_regclass(@name) is not null", cancel, new NpgsqlParameter<string>("name", DmsHeartbeat.Quoted(task.Identifier))))
            {
                await DmsHeartbeat.RemoveAsync(session, task.Identifier, cancel);
                removed.Add(new("Table", $"{MarkTable.Schema}.{task.Heartbeat}", where, true));
            }
        }

        if (!others)
        {
            await DmsSlots.ForgetAsync(session, cancel);
            await LeftOut.ForgetAsync(session, cancel);
            if (await session.ScalarAsync<bool>("select exists (select from pg_namespace n where nspname = @schema and not exists (select from pg_class c where c.relnamespace = n.oid))", cancel, new NpgsqlParameter<string>("schema", MarkTable.Schema)))
            {
                await session.ExecuteAsync($"drop schema {MarkTable.Schema}", cancel);
                removed.Add(new("Schema", MarkTable.Schema, where, true));
            }
        }
    }

    private static async Task<bool> HasOthersAsync(NpgsqlConnection session, DmsLink link, CancellationToken cancel) =>
        (await DmsHeartbeat.FindTasksAsync(session, cancel)).Any(other => !link.TaskArns.Contains(other.Task.Arn));
}
