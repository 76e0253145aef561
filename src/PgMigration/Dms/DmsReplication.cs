using PgMigration.DmsModel;

namespace PgMigration;

/// <summary>The door of this folder: starts, finds, stops and removes a replication by AWS DMS.</summary>
public static class DmsReplication
{
    /// <summary>Says what a replication needs and what of it is there, and changes nothing.</summary>
    /// <inheritdoc cref="StartAsync" path="/exception"/>
    public static async Task<DmsPlan> PlanAsync(
        DmsAccess access, PgServer source, PgServer target, DmsReplicationOptions options, IMigrationObserver observer, CancellationToken cancel = default)
    {
        using var dms = new DmsClient(access);
        return await DmsPlanner.PlanAsync(dms, source, target, options, observer, cancel);
    }

    /// <summary>Makes what is missing and starts, or resumes, every task. Run again it goes on where it stopped.</summary>
    /// <param name="access">Where DMS is.</param>
    /// <param name="source">The server that the app leaves.</param>
    /// <param name="target">The server it goes to, with the tables made and empty.</param>
    /// <param name="options">What is to be moved.</param>
    /// <param name="observer">Who watches.</param>
    /// <param name="cancel">Ends it; what was made stays, and another run goes on with it.</param>
    /// <exception cref="MigrationException"><c>ServerBehindPooler</c>, <c>SourceWasCutOver</c>, <c>DmsWalLevel</c>, <c>DmsNoSlots</c>, <c>DmsNoTables</c>, <c>DmsNoPrimaryKey</c>, <c>DmsNoRowIdentity</c>, <c>DmsLargeKey</c>, <c>DmsTargetTablesMissing</c>, <c>DmsTargetColumnsMissing</c>,
    /// <c>DmsTargetNotEmpty</c>, <c>DmsReplicaRoleDenied</c>: refused before anything is made. <c>DmsInstanceFailed</c>, <c>DmsConnectionFailed</c>, <c>DmsEndpointDiffers</c>, <c>DmsTaskFailed</c>, <c>DmsWaitTimeout</c>, and DMS's faults.</exception>
    public static async Task<DmsLink> StartAsync(
        DmsAccess access, PgServer source, PgServer target, DmsReplicationOptions options, IMigrationObserver observer, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        using var dms = new DmsClient(access);
        await DirectReach.ProveAsync(source, "source", cancel);
        await DirectReach.ProveAsync(target, "target", cancel);
        await using var here = await source.ConnectAsync(DmsLagProbe.SessionOptions, cancel);
        await using var there = await target.ConnectAsync(cancel);
        await DmsPlanner.RefuseLeftAsync(here, source, target, cancel);
        await DmsSlots.PrepareAsync(here, cancel);
        var tasks = options.TaskArns.Count > 0
            ? await AdoptAsync(dms, here, there, options, observer, cancel)
            : await MakeAsync(dms, await DmsPlanner.PlanAsync(dms, source, target, options, observer, cancel), here, there, source, target, observer, cancel);
        foreach (var task in tasks)
        {
            await StartTaskAsync(dms, task.Arn, options, observer, cancel);
        }

        var link = new DmsLink { Source = source, Target = target, Tasks = tasks, Access = access };
        await RememberSlotsAsync(here, link, cancel);
        return link;
    }

    /// <summary>Stops every task of a link and waits until they are. Their slots keep WAL on the source until they go on or are removed.</summary>
    public static async Task StopAsync(DmsLink link, TimeSpan timeout, IMigrationObserver observer, CancellationToken cancel = default)
    {
        using var dms = link.Connect();
        await RequestStopAsync(dms, link, cancel);
        foreach (string arn in link.TaskArns)
        {
            await DmsTasks.UntilAsync(dms, arn, ["stopped", "ready", "failed"], timeout, observer, cancel);
        }
    }

    /// <summary>The tasks of a link as they are now, with their tables.</summary>
    public static async Task<DmsTaskReport[]> ReportAsync(DmsLink link, CancellationToken cancel = default)
    {
        using var dms = link.Connect();
        return await DmsTasks.ReportAsync(dms, link.TaskArns, cancel);
    }

    /// <summary>All tasks that a DMS has, with their tables.</summary>
    public static async Task<DmsTaskReport[]> ReportAsync(DmsAccess access, CancellationToken cancel = default)
    {
        using var dms = new DmsClient(access);
        var tasks = await DmsTasks.ListOrNoneAsync(() => dms.ListReplicationTasksAsync(null, cancel));
        return tasks.Length == 0 ? [] : await DmsTasks.ReportAsync(dms, [.. tasks.Select(task => task.ReplicationTaskArn!)], cancel);
    }

    /// <summary>Asks every task that runs to stop; returns before they have.</summary>
    internal static async Task RequestStopAsync(DmsClient dms, DmsLink link, CancellationToken cancel)
    {
        foreach (var task in (await DmsTasks.DescribeAsync(dms, link.TaskArns, cancel)).Where(task => task.Status is "running" or "starting"))
        {
            try
            {
                await dms.StopReplicationTaskAsync(new StopReplicationTaskRequest { ReplicationTaskArn = task.ReplicationTaskArn! }, cancel);
            }
            catch (MigrationException error) when (error.ErrorId == "DmsInvalidResourceState" && task.Status == "running")
            {
                // it stopped, or failed, since we looked: the wait behind this sees which
            }
        }
    }

    /// <summary>Starts a task that is ready, resumes one that is stopped or failed, and waits until it runs.</summary>
    internal static async Task StartTaskAsync(DmsClient dms, string arn, DmsReplicationOptions options, IMigrationObserver observer, CancellationToken cancel)
    {
        var task = await DmsTasks.UntilAnyAsync(dms, arn, ["ready", "stopped", "failed", "running", "starting"], options.Timeout, observer, cancel);
        if (task.Status is "ready" or "stopped" or "failed")
        {
            bool isFirst = task.Status == "ready" || task.ReplicationTaskStartDate is null;
            await dms.StartReplicationTaskAsync(new StartReplicationTaskRequest { ReplicationTaskArn = arn, StartReplicationTaskType = isFirst ? "start-replication" : "resume-processing" }, cancel);
        }

        await DmsTasks.UntilAsync(dms, arn, ["running", "stopped"], options.Timeout, observer, cancel);
    }

    private static async Task<DmsTaskName[]> MakeAsync(
        DmsClient dms, DmsPlan plan, Npgsql.NpgsqlConnection here, Npgsql.NpgsqlConnection there, PgServer source, PgServer target, IMigrationObserver observer, CancellationToken cancel)
    {
        var options = plan.Options;
        var instance = await DmsInstances.FindOrCreateAsync(dms, plan, observer, cancel);
        string arn = instance.ReplicationInstanceArn!;
        var (from, to) = (options.SourceForDms ?? source, options.TargetForDms ?? target);
        var sourceEndpoint = options.SourceEndpointArn is { } known ? await DmsEndpoints.ReachAsync(dms, arn, known, options.Timeout, observer, cancel)
            : await DmsEndpoints.ReachAsync(dms, arn, DmsEndpoints.Source(plan.SourceEndpoint, from, await DmsEndpoints.SslModeAsync(from, here, observer, cancel), plan.Lobs, options), options.Timeout, observer, cancel);
        bool isAurora = await there.ScalarAsync<bool>("select exists (select from pg_proc where proname = 'aurora_version')", cancel);
        var targetEndpoint = options.TargetEndpointArn is { } knownTarget ? await DmsEndpoints.ReachAsync(dms, arn, knownTarget, options.Timeout, observer, cancel)
            : await DmsEndpoints.ReachAsync(dms, arn, DmsEndpoints.Target(plan.TargetEndpoint, to, await DmsEndpoints.SslModeAsync(to, there, observer, cancel), isAurora, options), options.Timeout, observer, cancel);
        if (options.SourceEndpointArn is not null || options.TargetEndpointArn is not null)
        {
            await WarnOfEndpointsAsync("The endpoints that were given", sourceEndpoint, targetEndpoint, there, [.. plan.Parts.SelectMany(part => part).Select(table => table.ToString())], observer, cancel);
        }

        await LeftOut.RememberAsync(here, plan.Parts.SelectMany(part => part).Select(table => table.ToString()).ToHashSet(), options, cancel);
        string login = sourceEndpoint.Username ?? options.SourceForDms?.User ?? throw DmsPlanner.LoginUnknown($"The endpoint {sourceEndpoint.EndpointIdentifier}");
        var tasks = new List<DmsTaskName>();
        for (int place = 0; place < plan.Parts.Count; place++)
        {
            if (plan.Parts[place].Count == 0)
            {
                continue; // more tasks than tables
            }

            string name = plan.TaskName(place);
            await DmsHeartbeat.CreateAsync(here, name, login, cancel);
            await DmsHeartbeat.CreateAsync(there, name, targetEndpoint.Username ?? to.User, cancel);
            var found = await DmsTasks.FindAsync(dms, name, cancel);
            await ChangeAsync(dms, found, plan, cancel);
            var task = found ?? (await dms.CreateReplicationTaskAsync(new CreateReplicationTaskRequest
            {
                ReplicationTaskIdentifier = name,
                ReplicationInstanceArn = arn,
                SourceEndpointArn = sourceEndpoint.EndpointArn!,
                TargetEndpointArn = targetEndpoint.EndpointArn!,
                MigrationType = "full-load-and-cdc",
                TableMappings = plan.Mappings(place),
                ReplicationTaskSettings = plan.Settings,
                Tags = [new Tag { Key = "made-by", Value = "PgMigration" }],
            }, cancel)).ReplicationTask!;
            tasks.Add(new DmsTaskName(name, task.ReplicationTaskArn!, login));
            await DmsHeartbeat.RememberAsync(here, tasks[^1], dms.Access.Endpoint, cancel);
        }

        return [.. tasks];
    }

    private static async Task WarnOfEndpointsAsync(string whose, Endpoint from, Endpoint to, Npgsql.NpgsqlConnection target, string[] tables, IMigrationObserver observer, CancellationToken cancel)
    {
        foreach (string weakness in await DmsEndpointSettings.FindWeaknessesAsync(from, to, target, tables, cancel))
        {
            observer.Warning($"{whose}: {weakness}. Invoke-Cutover refuses that; change the endpoint, best before the load.");
        }
    }

    // What is asked for by name holds also for a task that there is.
    private static async Task ChangeAsync(DmsClient dms, ReplicationTask? task, DmsPlan plan, CancellationToken cancel)
    {
        if (task is null || DmsTaskSettings.FindChanges(task.ReplicationTaskSettings, plan.Lobs, plan.Options) is not var (settings, words))
        {
            return;
        }

        if (task.Status is not ("ready" or "stopped" or "failed"))
        {
            throw new MigrationException("DmsTaskSettingsDiffer", MigrationErrorKind.InvalidOperation,
                $"Task {task.ReplicationTaskIdentifier} is {task.Status} with other settings than are asked for: {words}. Stop it with Stop-PgDmsReplication and run this again, or do not ask for them.");
        }

        await dms.ModifyReplicationTaskAsync(new ModifyReplicationTaskRequest { ReplicationTaskArn = task.ReplicationTaskArn!, ReplicationTaskSettings = settings }, cancel);
    }

    // Tasks that somebody made otherwise: our heartbeat is added to those that do not run.
    private static async Task<DmsTaskName[]> AdoptAsync(
        DmsClient dms, Npgsql.NpgsqlConnection here, Npgsql.NpgsqlConnection there, DmsReplicationOptions options, IMigrationObserver observer, CancellationToken cancel)
    {
        var tasks = new List<DmsTaskName>();
        await LeftOut.RememberAsync(here, new HashSet<string>(), options, cancel);
        foreach (var task in await DmsTasks.DescribeAsync(dms, options.TaskArns, cancel))
        {
            var from = await DmsEndpoints.FindAsync(dms, task.SourceEndpointArn!, cancel);
            var name = new DmsTaskName(task.ReplicationTaskIdentifier!, task.ReplicationTaskArn!, from.Username ?? options.SourceForDms?.User);
            tasks.Add(name);
            if (name.Login is null)
            {
                observer.Warning(DmsPlanner.LoginUnknown($"The endpoint {from.EndpointIdentifier} of task {name.Identifier}").Message);
            }

            if (from.PostgreSQLSettings?.SlotName is { Length: > 0 } slot)
            {
                await DmsSlots.NoteAsync(here, slot, cancel);
            }

            foreach (string weakness in DmsTaskSettings.FindWeaknesses(task.ReplicationTaskSettings))
            {
                observer.Warning($"Task {name.Identifier}: {weakness}. Invoke-Cutover refuses that; stop the task and change it, best before the load.");
            }

            var to = await DmsEndpoints.FindAsync(dms, task.TargetEndpointArn!, cancel);
            await WarnOfEndpointsAsync($"Task {name.Identifier}", from, to, there, [.. DmsProof.MovedTables(await DmsTasks.ReportAsync(dms, [name.Arn], cancel)), .. DmsTableMappings.Selected(task.TableMappings ?? string.Empty).Select(table => $"{table.Schema}.{table.Table}")], observer, cancel);
            bool hasHeartbeat = DmsTableMappings.Has(task.TableMappings, MarkTable.Schema, name.Heartbeat);
            if (!hasHeartbeat && task.Status is not ("ready" or "stopped" or "failed"))
            {
                observer.Warning($"Task {name.Identifier} is {task.Status} without a heartbeat of ours among its tables, so neither its lag nor a cutover can be proven. Stop it with Stop-PgDmsReplication, then run Start-PgDmsReplication -TaskArn again, which adds it.");
                continue;
            }

            await DmsHeartbeat.CreateAsync(here, name.Identifier, name.Login, cancel);
            await DmsHeartbeat.CreateAsync(there, name.Identifier, to.Username, cancel);
            await DmsHeartbeat.RememberAsync(here, name, dms.Access.Endpoint, cancel);
            if (!hasHeartbeat && DmsTableMappings.With(task.TableMappings!, MarkTable.Schema, name.Heartbeat) is { } mappings)
            {
                await dms.ModifyReplicationTaskAsync(new ModifyReplicationTaskRequest { ReplicationTaskArn = name.Arn, TableMappings = mappings }, cancel);
            }
        }

        return [.. tasks];
    }

    // DMS makes its slots before it calls a task running; where it has not, the next look at the lag notes them.
    private static async Task RememberSlotsAsync(Npgsql.NpgsqlConnection source, DmsLink link, CancellationToken cancel)
    {
        for (int attempt = 0; attempt < 20 && (await DmsSlots.ReadAsync(source, link, cancel)).Count < link.Tasks.Count; attempt++)
        {
            await Task.Delay(100, cancel);
        }
    }
}
