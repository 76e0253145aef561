using PgMigration.DmsModel;

namespace PgMigration.LocalDms;

/// <summary>Operations on replication tasks.</summary>
/// <param name="resources">The resources.</param>
internal sealed class TaskOperations(Resources resources)
{
    private const int MostTables = 500;

    /// <summary>Makes them known.</summary>
    public void AddTo(Operations operations)
    {
        operations.Add<CreateReplicationTaskRequest>("CreateReplicationTask", Create);
        operations.Add<DescribeReplicationTasksRequest>("DescribeReplicationTasks", Describe);
        operations.Add<ModifyReplicationTaskRequest>("ModifyReplicationTask", Modify);
        operations.Add<StartReplicationTaskRequest>("StartReplicationTask", Start);
        operations.Add<StopReplicationTaskRequest>("StopReplicationTask", Stop);
        operations.Add<DeleteReplicationTaskRequest>("DeleteReplicationTask", Delete);
        operations.Add<DescribeTableStatisticsRequest>("DescribeTableStatistics", DescribeTables);
        operations.Add<ReloadTablesRequest>("ReloadTables", Reload);
    }

    private CreateReplicationTaskResponse Create(CreateReplicationTaskRequest request)
    {
        string name = Identifiers.Check(request.ReplicationTaskIdentifier, "replication task");
        if (resources.Tasks.Any(task => task.Record.Identifier == name))
        {
            throw Fault.AlreadyExists($"Replication Task '{name}' already exists.");
        }

        var instance = resources.Instance(request.ReplicationInstanceArn);
        var source = EndpointOf(request.SourceEndpointArn, "source");
        var target = EndpointOf(request.TargetEndpointArn, "target");
        TableMappings.Parse(request.TableMappings);
        string arn = resources.Arn.New("task");
        var record = new TaskRecord
        {
            Identifier = name,
            Arn = arn,
            Key = Arn.KeyOf(arn),
            InstanceArn = instance.Arn,
            SourceArn = source.Arn,
            TargetArn = target.Arn,
            MigrationType = MigrationType(request.MigrationType),
            TableMappings = request.TableMappings,
            Settings = TaskSettings.Parse(request.ReplicationTaskSettings).Text,
        };
        SetPositions(record, source, request.CdcStartPosition, request.CdcStopPosition, request.CdcStartTime);
        var task = resources.Add(record);
        task.BecomeReady();
        return new() { ReplicationTask = TaskView.Of(record) };
    }

    private DescribeReplicationTasksResponse Describe(DescribeReplicationTasksRequest request)
    {
        var found = Pages.Filter(resources.Tasks, request.Filters, "tasks",
            ("replication-task-arn", task => task.Record.Arn), ("replication-task-id", task => task.Record.Identifier), ("migration-type", task => task.Record.MigrationType),
            ("endpoint-arn", task => request.Filters!.Any(filter => filter.Values.Contains(task.Record.TargetArn)) ? task.Record.TargetArn : task.Record.SourceArn),
            ("replication-instance-arn", task => task.Record.InstanceArn));
        var (page, marker) = Pages.Of(found, request.MaxRecords, request.Marker);
        return new() { ReplicationTasks = [.. page.Select(task => TaskView.Of(task.Record, request.WithoutSettings == true))], Marker = marker };
    }

    private ModifyReplicationTaskResponse Modify(ModifyReplicationTaskRequest request)
    {
        var task = resources.Task(request.ReplicationTaskArn);
        task.Modify(record =>
        {
            // all is checked before anything is changed
            string name = request.ReplicationTaskIdentifier is { } given ? Identifiers.Check(given, "replication task") : record.Identifier;
            if (name != record.Identifier && resources.Tasks.Any(other => other.Record.Identifier == name))
            {
                throw Fault.AlreadyExists($"Replication Task '{name}' already exists.");
            }

            string type = request.MigrationType is { } wanted ? MigrationType(wanted) : record.MigrationType;
            if (request.TableMappings is not null)
            {
                TableMappings.Parse(request.TableMappings);
            }

            string settings = TaskSettings.Parse(request.ReplicationTaskSettings, TaskSettings.Parse(record.Settings)).Text;
            SetPositions(record, resources.Endpoint(record.SourceArn), request.CdcStartPosition, request.CdcStopPosition, request.CdcStartTime);
            record.Identifier = name;
            record.MigrationType = type;
            record.TableMappings = request.TableMappings ?? record.TableMappings;
            record.Settings = settings;
        });
        return new() { ReplicationTask = TaskView.Of(task.Record) };
    }

    private StartReplicationTaskResponse Start(StartReplicationTaskRequest request)
    {
        var task = resources.Task(request.ReplicationTaskArn);
        if (!IsTested(task.Record, task.Record.SourceArn) || !IsTested(task.Record, task.Record.TargetArn))
        {
            throw Fault.InvalidState("Test connection for replication instance and endpoint should be successful for starting the replication task.");
        }

        SetPositions(task.Record, resources.Endpoint(task.Record.SourceArn), request.CdcStartPosition, request.CdcStopPosition, request.CdcStartTime);
        task.Start(request.StartReplicationTaskType);
        return new() { ReplicationTask = TaskView.Of(task.Record) };
    }

    private StopReplicationTaskResponse Stop(StopReplicationTaskRequest request)
    {
        var task = resources.Task(request.ReplicationTaskArn);
        task.Stop();
        return new() { ReplicationTask = TaskView.Of(task.Record) };
    }

    private DeleteReplicationTaskResponse Delete(DeleteReplicationTaskRequest request)
    {
        var task = resources.Task(request.ReplicationTaskArn);
        task.Delete();
        return new() { ReplicationTask = TaskView.Of(task.Record) };
    }

    private DescribeTableStatisticsResponse DescribeTables(DescribeTableStatisticsRequest request)
    {
        var record = resources.Task(request.ReplicationTaskArn).Record;
        var found = Pages.Filter(record.Tables, request.Filters, "tables",
            ("schema-name", table => table.Name.Schema), ("table-name", table => table.Name.Table), ("table-state", table => table.State));
        var (page, marker) = Pages.Of(found, request.MaxRecords, request.Marker, MostTables);
        return new() { ReplicationTaskArn = record.Arn, TableStatistics = [.. page.Select(TaskView.Of)], Marker = marker };
    }

    private ReloadTablesResponse Reload(ReloadTablesRequest request)
    {
        if (request.ReloadOption is not (null or "data-reload"))
        {
            throw Fault.InvalidValue($"ReloadOption is '{request.ReloadOption}'; the local DMS knows data-reload.");
        }

        var task = resources.Task(request.ReplicationTaskArn);
        task.Reload([.. request.TablesToReload.Select(table => new TableName(table.SchemaName, table.TableName))]);
        return new() { ReplicationTaskArn = task.Record.Arn };
    }

    private EndpointRecord EndpointOf(string arn, string type) => resources.Endpoint(arn) is var endpoint && endpoint.Type == type
        ? endpoint
        : throw Fault.InvalidValue($"Endpoint '{endpoint.Identifier}' is a {endpoint.Type} endpoint, where a {type} endpoint is expected.");

    private bool IsTested(TaskRecord task, string endpoint) =>
        resources.Connections.Exists(connection => connection.InstanceArn == task.InstanceArn && connection.EndpointArn == endpoint && connection.Status == "successful");

    private static string MigrationType(string type) => type is "full-load" or "cdc" or "full-load-and-cdc"
        ? type
        : throw Fault.InvalidValue($"MigrationType is '{type}'; expected full-load, cdc or full-load-and-cdc.");

    private static void SetPositions(TaskRecord record, EndpointRecord source, string? start, string? stop, DateTime? startTime)
    {
        if (startTime is not null)
        {
            throw Fault.InvalidValue("The local DMS does not start at a time: a PostgreSQL slot begins at a position. Give CdcStartPosition.");
        }

        if (Checkpoint.Read(start) is not null && string.IsNullOrEmpty(source.Settings?.SlotName))
        {
            throw Fault.InvalidValue("To start at a position, the source endpoint must name a replication slot: PostgreSQLSettings.SlotName.");
        }

        StopPosition.Parse(stop);
        record.CdcStartPosition = start ?? record.CdcStartPosition;
        record.CdcStopPosition = stop ?? record.CdcStopPosition;
    }
}
