using System.Text.Json.Nodes;

namespace PgMigration;

/// <summary>The settings of a task from PostgreSQL to PostgreSQL: a serial, transactional applier that stops rather than skips.</summary>
/// <remarks>
/// DMS's defaults log a row that it cannot write and go on. What proves at the cutover that nothing was skipped rests on these settings; see
/// docs/dms.md. Source of the names: the DMS user guide, "Task settings".
/// </remarks>
internal static class DmsTaskSettings
{
    // What a task may hold in memory of LOBs for one commit's rows, in KB.
    private const int LobMemory = 1024 * 1024;

    /// <summary>The JSON text.</summary>
    public static string For(DmsLobs lobs, DmsReplicationOptions options) => new JsonObject
    {
        ["TargetMetadata"] = new JsonObject
        {
            ["SupportLobs"] = true,
            ["FullLobMode"] = lobs.NeedsFullMode,
            ["LobChunkSize"] = 64,
            ["LimitedSizeLobMode"] = !lobs.NeedsFullMode,
            ["LobMaxSize"] = lobs.NeedsFullMode ? 0 : lobs.MaxSize,
            ["InlineLobMaxSize"] = lobs.NeedsFullMode ? 128 : 0,
            ["BatchApplyEnabled"] = false, // batches keep no order of transactions
            ["ParallelApplyThreads"] = 0,
            ["ParallelLoadThreads"] = 0,
        },
        ["FullLoadSettings"] = new JsonObject
        {
            ["TargetTablePrepMode"] = "DO_NOTHING", // what DMS would make has no defaults, sequences, indexes or constraints
            ["MaxFullLoadSubTasks"] = options.MaxFullLoadSubTasks,
            ["CommitRate"] = lobs.NeedsFullMode ? 1000 : Math.Clamp(LobMemory / lobs.MaxSize, 100, 10_000),
            ["TransactionConsistencyTimeout"] = 600,
            ["StopTaskCachedChangesApplied"] = false,
            ["StopTaskCachedChangesNotApplied"] = false,
        },
        ["Logging"] = new JsonObject { ["EnableLogging"] = true },
        ["ControlTablesSettings"] = new JsonObject
        {
            ["ControlSchema"] = MarkTable.Schema,
            ["HistoryTimeslotInMinutes"] = 5,
            ["HistoryTableEnabled"] = true,
            ["SuspendedTablesTableEnabled"] = true,
            ["StatusTableEnabled"] = true,
        },
        ["ErrorBehavior"] = new JsonObject
        {
            ["DataErrorPolicy"] = "STOP_TASK",
            ["DataTruncationErrorPolicy"] = "STOP_TASK",
            ["DataErrorEscalationPolicy"] = "STOP_TASK",
            ["TableErrorPolicy"] = "SUSPEND_TABLE",
            ["TableErrorEscalationPolicy"] = "STOP_TASK",
            ["ApplyErrorInsertPolicy"] = "STOP_TASK",
            ["ApplyErrorUpdatePolicy"] = "STOP_TASK",
            ["ApplyErrorDeletePolicy"] = "IGNORE_RECORD", // what the load has seen already gone
            ["ApplyErrorEscalationPolicy"] = "STOP_TASK",
            ["FullLoadIgnoreConflicts"] = true,
            ["FailOnNoTablesCaptured"] = true,
            ["FailOnTransactionConsistencyBreached"] = true,
            ["FailTasksOnLobTruncation"] = true,
            ["RecoverableErrorCount"] = -1,
            ["RecoverableErrorInterval"] = 5,
            ["RecoverableErrorThrottling"] = true,
            ["RecoverableErrorThrottlingMax"] = 1800,
        },
        ["ValidationSettings"] = new JsonObject { ["EnableValidation"] = options.Validate, ["ThreadCount"] = 5 },
        ["ChangeProcessingTuning"] = new JsonObject
        {
            ["BatchApplyPreserveTransaction"] = true,
            ["CommitTimeout"] = 1,
            ["MinTransactionSize"] = 1000,
            ["MemoryLimitTotal"] = 1024,
            ["MemoryKeepTime"] = 60,
            ["StatementCacheSize"] = 50,
        },
    }.ToJsonString();

    /// <summary>What is asked for by name and a task has otherwise: null when there is nothing of the kind.</summary>
    /// <param name="settings">The task's settings.</param>
    /// <param name="lobs">What is asked for; only heeded when the options name it.</param>
    /// <param name="options">What is asked for.</param>
    /// <returns>All settings with the changes, as JSON text, and the changes in words.</returns>
    public static (string Json, string Words)? FindChanges(string? settings, DmsLobs lobs, DmsReplicationOptions options)
    {
        var known = settings is null ? null : JsonNode.Parse(settings);
        var asked = JsonNode.Parse(For(lobs, options))!;
        var changed = known?.DeepClone().AsObject() ?? new JsonObject();
        if (changed["Logging"] is JsonObject logging)
        {
            logging.Remove("CloudWatchLogGroup"); // DMS shows them, and refuses to be told them
            logging.Remove("CloudWatchLogStream");
        }

        var words = new List<string>();
        if (options.LobMaxSize is not null)
        {
            foreach (string name in (string[])["FullLobMode", "LimitedSizeLobMode", "LobMaxSize", "InlineLobMaxSize"])
            {
                Compare("TargetMetadata", name);
            }
        }

        if (options.MaxFullLoadSubTasks != new DmsReplicationOptions().MaxFullLoadSubTasks)
        {
            Compare("FullLoadSettings", "MaxFullLoadSubTasks");
        }

        if (!options.Validate)
        {
            Compare("ValidationSettings", "EnableValidation");
        }

        return words.Count == 0 ? null : (changed.ToJsonString(), string.Join(", ", words));

        void Compare(string part, string name)
        {
            var (has, wants) = (known?[part]?[name], asked[part]![name]!);
            if (!JsonNode.DeepEquals(has, wants))
            {
                (changed[part] ??= new JsonObject()).AsObject()[name] = wants.DeepClone();
                words.Add($"{name} {has?.ToJsonString() ?? "not set"} instead of {wants.ToJsonString()}");
            }
        }
    }

    /// <summary>What of a task's settings the proof at the cutover cannot stand on, in words; empty when all is well.</summary>
    public static IReadOnlyList<string> FindWeaknesses(string? settings)
    {
        var root = settings is null ? null : JsonNode.Parse(settings);
        bool? Flag(string part, string name) => root?[part]?[name] is JsonValue value && value.TryGetValue(out bool flag) ? flag : null;
        string? Word(string name) => root?["ErrorBehavior"]?[name] is JsonValue value && value.TryGetValue(out string? word) ? word : null;
        int? threads = root?["TargetMetadata"]?["ParallelApplyThreads"] is JsonValue number && number.TryGetValue(out int count) ? count : null;
        var found = new List<string>();
        Add(Flag("TargetMetadata", "BatchApplyEnabled") == true, "TargetMetadata.BatchApplyEnabled is true: batches keep no order of transactions");
        Add(threads > 0, "TargetMetadata.ParallelApplyThreads is not 0: threads keep no order of transactions");
        Add(Word("ApplyErrorInsertPolicy") is not ("STOP_TASK" or "SUSPEND_TABLE"), $"ErrorBehavior.ApplyErrorInsertPolicy is {Word("ApplyErrorInsertPolicy") ?? "LOG_ERROR by default"}: a row that cannot be inserted is skipped");
        Add(Word("ApplyErrorUpdatePolicy") is not ("STOP_TASK" or "SUSPEND_TABLE"), $"ErrorBehavior.ApplyErrorUpdatePolicy is {Word("ApplyErrorUpdatePolicy") ?? "LOG_ERROR by default"}: a row that cannot be updated is skipped");
        Add(Flag("ControlTablesSettings", "SuspendedTablesTableEnabled") != true, "ControlTablesSettings.SuspendedTablesTableEnabled is not true: nobody tells which tables were given up");
        return found;

        void Add(bool isSo, string text)
        {
            if (isSo)
            {
                found.Add(text);
            }
        }
    }
}
