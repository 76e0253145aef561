using Npgsql;

namespace PgMigration.LocalDms;

/// <summary>What every part of a running task needs to know and to tell.</summary>
internal sealed class TaskContext
{
    private readonly ITaskKeeper _keeper;

    /// <summary>Brings a task's facts together.</summary>
    /// <param name="record">The task.</param>
    /// <param name="source">Where rows come from.</param>
    /// <param name="target">Where they go.</param>
    /// <param name="keeper">Who keeps the record and the log.</param>
    public TaskContext(TaskRecord record, EndpointRecord source, EndpointRecord target, ITaskKeeper keeper)
    {
        Record = record;
        Settings = TaskSettings.Parse(record.Settings);
        Mappings = TableMappings.Parse(record.TableMappings);
        Source = source.ToDatabase();
        Target = target.ToDatabase();
        SourceSettings = source;
        Rules = new ValueRules(Settings.LobLimit, Settings.SupportLobs, Settings.FailsOnLobTruncation || source.Settings?.FailTasksOnLobTruncation == true,
            source.HasAttribute("mapUnboundedNumericAsString"), source.MapsBooleans && target.MapsBooleans);
        Control = new ControlTables(Settings.ControlSchema, record.Identifier, record.Key, Settings);
        _keeper = keeper;
        Validation = new Validation(this);
    }

    /// <summary>What is on disk of it.</summary>
    public TaskRecord Record { get; }

    /// <summary>Its settings.</summary>
    public TaskSettings Settings { get; }

    /// <summary>Its table mappings.</summary>
    public TableMappings Mappings { get; }

    /// <summary>Where rows come from.</summary>
    public DatabaseEndpoint Source { get; }

    /// <summary>Where they go.</summary>
    public DatabaseEndpoint Target { get; }

    /// <summary>The source endpoint with its PostgreSQL settings.</summary>
    public EndpointRecord SourceSettings { get; }

    /// <summary>How values change on the way.</summary>
    public ValueRules Rules { get; }

    /// <summary>What it keeps on the target.</summary>
    public ControlTables Control { get; }

    /// <summary>The comparison of its rows.</summary>
    public Validation Validation { get; }

    /// <summary>Its tables.</summary>
    public IReadOnlyList<TableRun> Tables => Record.Tables;

    /// <summary>How its sessions on the source call themselves. Those on the target have another name: both may be one server.</summary>
    public string SourceName => $"awsdms_local_{Record.Key}_s";

    /// <summary>How its sessions on the target call themselves.</summary>
    public string TargetName => $"awsdms_local_{Record.Key}_t";

    /// <summary>Its publication on the source; the second one's name begins with it.</summary>
    public string Publication => $"awsdms_local_{Record.Key}";

    /// <summary>Its slot on the source.</summary>
    public string SlotName => SourceSettings.Settings?.SlotName is { Length: > 0 } given ? given : $"awsdms_local_{Record.Key}";

    /// <summary>Whether the slot is the task's own, rather than one that the endpoint names.</summary>
    public bool OwnsSlot => string.IsNullOrEmpty(SourceSettings.Settings?.SlotName);

    /// <summary>How a table is split for its load; null for as a whole.</summary>
    public ParallelLoad? PartsOf(TableName table) => Mappings.SettingsOf(table.Schema, table.Table)?.ParallelLoad;

    /// <summary>A session on the source.</summary>
    public Task<NpgsqlConnection> ConnectSourceAsync(CancellationToken cancel) => Source.ConnectAsync(SourceName, cancel);

    /// <summary>A session on the target.</summary>
    public Task<NpgsqlConnection> ConnectTargetAsync(CancellationToken cancel) => Target.ConnectAsync(TargetName, cancel);

    /// <summary>Says that something changed which the disk should soon know.</summary>
    public void Changed() => _keeper.Changed();

    /// <summary>Puts the record on disk before it returns.</summary>
    public void Save() => _keeper.Save();

    /// <summary>Writes a line into the task's log.</summary>
    public void Log(string line) => _keeper.Log(line);

    /// <summary>Does what TableErrorPolicy says about a table that cannot be moved.</summary>
    /// <exception cref="TaskFailure">STOP_TASK.</exception>
    public Task FailTableAsync(TableRun table, PostgresException error, CancellationToken cancel) =>
        SuspendAsync(table, $"{error.SqlState}: {error.MessageText}", cancel);

    /// <summary>Gives a table up, unless TableErrorPolicy says that the task fails.</summary>
    /// <exception cref="TaskFailure">STOP_TASK.</exception>
    public async Task SuspendAsync(TableRun table, string reason, CancellationToken cancel)
    {
        if (Settings.Policy("TableErrorPolicy") == ErrorPolicy.StopTask)
        {
            throw new TaskFailure($"Table {table.Name} cannot be moved: {reason} (TableErrorPolicy is STOP_TASK)");
        }

        await using var target = await ConnectTargetAsync(cancel);
        await using var transaction = await target.BeginTransactionAsync(cancel);
        await Control.SuspendAsync(target, table.Name, reason, cancel);
        await transaction.CommitAsync(cancel);
        MarkSuspended(table, reason);
    }

    /// <summary>Notes that a table was given up, once the target knows.</summary>
    public void MarkSuspended(TableRun table, string reason)
    {
        table.State = TableState.Error;
        table.Error = reason;
        table.Validation = Settings.Validates ? "Table error" : table.Validation;
        table.Changed = DateTime.UtcNow;
        Log($"Table {table.Name} is in error: {reason}");
        Changed();
    }
}
