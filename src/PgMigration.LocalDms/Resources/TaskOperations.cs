using PgMigration.DmsModel;

namespace PgMigration.LocalDms;

/// <summary>Operations on replication tasks.</summary>
/// <param name="resources">The resources.</param>
internal sealed class TaskOperations(Resources resources)
{
    private const int MostTables = 500;

    private IEnumerable<MigrationTask> All => resources.Tasks.Where(task => task.Record.InstanceArn is not null);

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
        if (All.Any(task => task.Record.Identifier == name))
        {
            throw Fault.AlreadyExists($"Replication Task '{name}' already exists.");
        }

        var instance = resources.Instance(request.ReplicationInstanceArn);
        var source = EndpointOf(resources, request.SourceEndpointArn, "source");
        var target = EndpointOf(resources, request.TargetEndpointArn, "target");
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
        var found = Pages.Filter(All, request.Filters, "tasks",
            ("replication-task-arn", task => task.Record.Arn), ("replication-task-id", task => task.Record.Identifier), ("migration-type", task => task.Record.MigrationType),
            ("endpoint-arn", task => request.Filters!.Any(filter => filter.Values.Contains(task.Record.TargetArn)) ? task.Record.TargetArn : task.Record.SourceArn),
            ("replication-instance-arn", task => task.Record.InstanceArn));
        var (page, marker) = Pages.Of(found, request.MaxRecords, request.Marker);
        return new() { ReplicationTasks = [.. page.Select(task => TaskView.Of(task.Record, request.WithoutSettings == true))], Marker = marker };
    }

    private ModifyReplicationTaskResponse Modify(ModifyReplicationTaskRequest request)
    {
        var task = Find(request.ReplicationTaskArn);
        task.Modify(record =>
        {
            // all is checked before anything is changed
            string name = request.ReplicationTaskIdentifier is { } given ? Identifiers.Check(given, "replication task") : record.Identifier;
            if (name != record.Identifier && All.Any(other => other.Record.Identifier == name))
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
        var task = Find(request.ReplicationTaskArn);
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
        var task = Find(request.ReplicationTaskArn);
        task.Stop();
        return new() { ReplicationTask = TaskView.Of(task.Record) };
    }

    private DeleteReplicationTaskResponse Delete(DeleteReplicationTaskRequest request)
    {
        var task = Find(request.ReplicationTaskArn);
        task.Delete();
        return new() { ReplicationTask = TaskView.Of(task.Record) };
    }

    private DescribeTableStatisticsResponse DescribeTables(DescribeTableStatisticsRequest request)
    {
        var record = Find(request.ReplicationTaskArn).Record;
        var (page, marker) = Pages.Of(TaskView.Filter(record.Tables, request.Filters), request.MaxRecords, request.Marker, MostTables);
        return new() { ReplicationTaskArn = record.Arn, TableStatistics = [.. page.Select(TaskView.Of)], Marker = marker };
    }

    private ReloadTablesResponse Reload(ReloadTablesRequest request)
    {
        var task = Find(request.ReplicationTaskArn);
        Reload(task, request.TablesToReload, request.ReloadOption);
        return new() { ReplicationTaskArn = task.Record.Arn };
    }

    private MigrationTask Find(string arn) => All.FirstOrDefault(task => task.Record.Arn == arn) ?? throw Fault.NotFound($"Replication Task '{arn}' not found.");

    /// <summary>Loads tables of a task anew.</summary>
    /// <exception cref="Fault">It does not run, has no such table, or the option is not known.</exception>
    internal static void Reload(MigrationTask task, IEnumerable<TableToReload> tables, string? option)
    {
        if (option is not (null or "data-reload"))
        {
            throw Fault.InvalidValue($"ReloadOption is '{option}'; the local DMS knows data-reload.");
        }

        task.Reload([.. tables.Select(table => new TableName(table.SchemaName, table.TableName))]);
    }

    /// <summary>The endpoint of this address, if it is of this kind.</summary>
    /// <exception cref="Fault">ResourceNotFoundFault, InvalidParameterValueException.</exception>
    internal static EndpointRecord EndpointOf(Resources resources, string arn, string type) => resources.Endpoint(arn) is var endpoint && endpoint.Type == type
        ? endpoint
        : throw Fault.InvalidValue($"Endpoint '{endpoint.Identifier}' is a {endpoint.Type} endpoint, where a {type} endpoint is expected.");

    private bool IsTested(TaskRecord task, string endpoint) =>
        resources.Connections.Exists(connection => connection.InstanceArn == task.InstanceArn && connection.EndpointArn == endpoint && connection.Status == "successful");

    /// <summary>What is moved, if there is such a kind.</summary>
    /// <exception cref="Fault">InvalidParameterValueException.</exception>
    internal static string MigrationType(string type) => type is "full-load" or "cdc" or "full-load-and-cdc"
        ? type
        : throw Fault.InvalidValue($"MigrationType is '{type}'; expected full-load, cdc or full-load-and-cdc.");

    /// <summary>Notes where changes begin and end.</summary>
    /// <exception cref="Fault">InvalidParameterValueException: a position that cannot be kept to.</exception>
    internal static void SetPositions(TaskRecord record, EndpointRecord source, string? start, string? stop, DateTime? startTime)
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
