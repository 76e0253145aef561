using PgMigration.DmsModel;

namespace PgMigration.LocalDms;

/// <summary>Operations on serverless replications: tasks without an instance, in other words.</summary>
/// <remarks>DMS makes room for one when it starts, which takes it many minutes and states; here it starts at once.</remarks>
/// <param name="resources">The resources.</param>
internal sealed class ServerlessOperations(Resources resources)
{
    private const int MostUnits = 384;
    private const int MostTables = 500;

    private IEnumerable<MigrationTask> All => resources.Tasks.Where(task => task.Record.InstanceArn is null);

    /// <summary>Makes them known.</summary>
    public void AddTo(Operations operations)
    {
        operations.Add<CreateReplicationConfigRequest>("CreateReplicationConfig", Create);
        operations.Add<DescribeReplicationConfigsRequest>("DescribeReplicationConfigs", DescribeConfigs);
        operations.Add<DeleteReplicationConfigRequest>("DeleteReplicationConfig", Delete);
        operations.Add<StartReplicationRequest>("StartReplication", Start);
        operations.Add<StopReplicationRequest>("StopReplication", Stop);
        operations.Add<DescribeReplicationsRequest>("DescribeReplications", Describe);
        operations.Add<DescribeReplicationTableStatisticsRequest>("DescribeReplicationTableStatistics", DescribeTables);
        operations.Add<ReloadReplicationTablesRequest>("ReloadReplicationTables", Reload);
    }

    private CreateReplicationConfigResponse Create(CreateReplicationConfigRequest request)
    {
        string name = Identifiers.Check(request.ReplicationConfigIdentifier, "replication configuration");
        if (All.Any(task => task.Record.Identifier == name))
        {
            throw Fault.AlreadyExists($"Replication configuration '{name}' already exists.");
        }

        if (request.ComputeConfig.MaxCapacityUnits is not (>= 1 and <= MostUnits))
        {
            throw Fault.InvalidValue($"ComputeConfig.MaxCapacityUnits is '{request.ComputeConfig.MaxCapacityUnits}'; expected 1 to {MostUnits}.");
        }

        TableMappings.Parse(request.TableMappings);
        string arn = resources.Arn.New("replication-config");
        var task = resources.Add(new TaskRecord
        {
            Identifier = name,
            Arn = arn,
            Key = Arn.KeyOf(arn),
            SourceArn = TaskOperations.EndpointOf(resources, request.SourceEndpointArn, "source").Arn,
            TargetArn = TaskOperations.EndpointOf(resources, request.TargetEndpointArn, "target").Arn,
            MigrationType = TaskOperations.MigrationType(request.ReplicationType),
            TableMappings = request.TableMappings,
            Settings = TaskSettings.Parse(request.ReplicationSettings).Text,
            ComputeConfig = request.ComputeConfig,
        });
        task.BecomeReady();
        return new() { ReplicationConfig = ShowConfig(task.Record) };
    }

    private DescribeReplicationConfigsResponse DescribeConfigs(DescribeReplicationConfigsRequest request)
    {
        var (page, marker) = Pages.Of(Filtered(request.Filters), request.MaxRecords, request.Marker);
        return new() { ReplicationConfigs = [.. page.Select(task => ShowConfig(task.Record))], Marker = marker };
    }

    private DeleteReplicationConfigResponse Delete(DeleteReplicationConfigRequest request)
    {
        var task = Find(request.ReplicationConfigArn);
        task.Delete();
        return new() { ReplicationConfig = ShowConfig(task.Record) };
    }

    private StartReplicationResponse Start(StartReplicationRequest request)
    {
        var task = Find(request.ReplicationConfigArn);
        TaskOperations.SetPositions(task.Record, resources.Endpoint(task.Record.SourceArn), request.CdcStartPosition, request.CdcStopPosition, request.CdcStartTime);
        task.Start(request.StartReplicationType);
        return new() { Replication = Show(task.Record) };
    }

    private StopReplicationResponse Stop(StopReplicationRequest request)
    {
        var task = Find(request.ReplicationConfigArn);
        task.Stop();
        return new() { Replication = Show(task.Record) };
    }

    private DescribeReplicationsResponse Describe(DescribeReplicationsRequest request)
    {
        var (page, marker) = Pages.Of(Filtered(request.Filters), request.MaxRecords, request.Marker);
        return new() { Replications = [.. page.Select(task => Show(task.Record))], Marker = marker };
    }

    private DescribeReplicationTableStatisticsResponse DescribeTables(DescribeReplicationTableStatisticsRequest request)
    {
        var record = Find(request.ReplicationConfigArn).Record;
        var (page, marker) = Pages.Of(TaskView.Filter(record.Tables, request.Filters), request.MaxRecords, request.Marker, MostTables);
        return new() { ReplicationConfigArn = record.Arn, ReplicationTableStatistics = [.. page.Select(TaskView.Of)], Marker = marker };
    }

    private ReloadReplicationTablesResponse Reload(ReloadReplicationTablesRequest request)
    {
        var task = Find(request.ReplicationConfigArn);
        TaskOperations.Reload(task, request.TablesToReload, request.ReloadOption);
        return new() { ReplicationConfigArn = task.Record.Arn };
    }

    private List<MigrationTask> Filtered(Filter[]? filters) => Pages.Filter(All, filters, "replication configurations",
        ("replication-config-arn", task => task.Record.Arn), ("replication-config-id", task => task.Record.Identifier), ("replication-type", task => task.Record.MigrationType));

    private MigrationTask Find(string arn) => All.FirstOrDefault(task => task.Record.Arn == arn) ?? throw Fault.NotFound($"Replication configuration '{arn}' not found.");

    private static ReplicationConfig ShowConfig(TaskRecord record) => new()
    {
        ReplicationConfigIdentifier = record.Identifier,
        ReplicationConfigArn = record.Arn,
        SourceEndpointArn = record.SourceArn,
        TargetEndpointArn = record.TargetArn,
        ReplicationType = record.MigrationType,
        ComputeConfig = record.ComputeConfig,
        ReplicationSettings = record.Settings,
        TableMappings = record.TableMappings,
        ReplicationConfigCreateTime = record.Created,
        ReplicationConfigUpdateTime = record.Created,
    };

    private static Replication Show(TaskRecord record) => new()
    {
        ReplicationConfigIdentifier = record.Identifier,
        ReplicationConfigArn = record.Arn,
        SourceEndpointArn = record.SourceArn,
        TargetEndpointArn = record.TargetArn,
        ReplicationType = record.MigrationType,
        Status = record.Status == TaskStatus.Ready ? "created" : record.Status,
        StopReason = record.StopReason,
        FailureMessages = record.LastFailure is { } failure ? [failure] : null,
        ReplicationStats = record.Started is null ? null : TaskView.ServerlessStatsOf(record),
        CdcStartPosition = record.CdcStartPosition,
        CdcStopPosition = record.CdcStopPosition,
        RecoveryCheckpoint = record.RecoveryCheckpoint,
        ReplicationCreateTime = record.Created,
        ReplicationLastStopTime = record.Stopped,
    };
}
