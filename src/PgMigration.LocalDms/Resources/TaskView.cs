using PgMigration.DmsModel;

namespace PgMigration.LocalDms;

/// <summary>Tasks and tables as DMS shows them.</summary>
internal static class TaskView
{
    /// <summary>A task.</summary>
    public static ReplicationTask Of(TaskRecord record, bool withoutSettings = false) => new()
    {
        ReplicationTaskIdentifier = record.Identifier,
        ReplicationTaskArn = record.Arn,
        SourceEndpointArn = record.SourceArn,
        TargetEndpointArn = record.TargetArn,
        ReplicationInstanceArn = record.InstanceArn,
        MigrationType = record.MigrationType,
        TableMappings = withoutSettings ? null : record.TableMappings,
        ReplicationTaskSettings = withoutSettings ? null : record.Settings,
        Status = record.Status,
        LastFailureMessage = record.LastFailure,
        StopReason = record.StopReason,
        ReplicationTaskCreationDate = record.Created,
        ReplicationTaskStartDate = record.Started,
        CdcStartPosition = record.CdcStartPosition,
        CdcStopPosition = record.CdcStopPosition,
        RecoveryCheckpoint = record.RecoveryCheckpoint,
        ReplicationTaskStats = record.Started is null ? null : StatsOf(record),
    };

    /// <summary>A table.</summary>
    public static TableStatistics Of(TableRun table) => new()
    {
        SchemaName = table.Name.Schema,
        TableName = table.Name.Table,
        Inserts = table.Inserts,
        Updates = table.Updates,
        Deletes = table.Deletes,
        Ddls = 0,
        AppliedInserts = table.AppliedInserts,
        AppliedUpdates = table.AppliedUpdates,
        AppliedDeletes = table.AppliedDeletes,
        AppliedDdls = 0,
        FullLoadRows = table.LoadedRows,
        FullLoadCondtnlChkFailedRows = 0,
        FullLoadErrorRows = 0,
        FullLoadStartTime = table.LoadBegan,
        FullLoadEndTime = table.LoadEnded,
        FullLoadReloaded = table.WasReloaded,
        LastUpdateTime = table.Changed,
        TableState = table.State,
        ValidationPendingRecords = table.ValidationPending,
        ValidationFailedRecords = table.ValidationFailed,
        ValidationSuspendedRecords = table.ValidationSuspended,
        ValidationState = table.Validation,
    };

    /// <summary>The tables that filters let through.</summary>
    /// <exception cref="Fault">ResourceNotFoundFault, InvalidParameterValueException.</exception>
    public static List<TableRun> Filter(IEnumerable<TableRun> tables, Filter[]? filters) => Pages.Filter(tables, filters, "tables",
        ("schema-name", table => table.Name.Schema), ("table-name", table => table.Name.Table), ("table-state", table => table.State));

    /// <summary>How far a serverless replication is.</summary>
    public static ReplicationStats ServerlessStatsOf(TaskRecord record)
    {
        var stats = StatsOf(record);
        return new ReplicationStats
        {
            FullLoadProgressPercent = stats.FullLoadProgressPercent,
            ElapsedTimeMillis = stats.ElapsedTimeMillis,
            TablesLoaded = stats.TablesLoaded,
            TablesLoading = stats.TablesLoading,
            TablesQueued = stats.TablesQueued,
            TablesErrored = stats.TablesErrored,
            FreshStartDate = stats.FreshStartDate,
            StartDate = stats.StartDate,
            StopDate = stats.StopDate,
            FullLoadStartDate = stats.FullLoadStartDate,
            FullLoadFinishDate = stats.FullLoadFinishDate,
        };
    }

    private static ReplicationTaskStats StatsOf(TaskRecord record)
    {
        int loaded = record.Tables.Count(table => table.IsLoaded || (!record.Loads && !table.IsSuspended));
        int errored = record.Tables.Count(table => table.IsSuspended);
        int loading = record.Tables.Count(table => table.State is TableState.Loading or TableState.Reloading);
        return new ReplicationTaskStats
        {
            FullLoadProgressPercent = record.Tables.Count == 0 ? 0 : (loaded + errored) * 100 / record.Tables.Count,
            ElapsedTimeMillis = (long)((record.Stopped ?? DateTime.UtcNow) - record.Started!.Value).TotalMilliseconds,
            TablesLoaded = loaded,
            TablesLoading = loading,
            TablesQueued = record.Tables.Count - loaded - errored - loading,
            TablesErrored = errored,
            FreshStartDate = record.FreshlyStarted,
            StartDate = record.Started,
            StopDate = record.Stopped,
            FullLoadStartDate = record.LoadBegan,
            FullLoadFinishDate = record.LoadEnded,
        };
    }
}
