using System.Text.Json;
using System.Text.Json.Nodes;

namespace PgMigration.LocalDms;

/// <summary>A task's settings: DMS's defaults with what the task says laid over them.</summary>
/// <remarks>Source: the AWS DMS user guide, "Specifying task settings for AWS Database Migration Service tasks".</remarks>
internal sealed class TaskSettings
{
    private readonly JsonObject _document;

    private TaskSettings(JsonObject document) => _document = document;

    /// <summary>The whole document, as DescribeReplicationTasks shows it.</summary>
    public string Text => _document.ToJsonString();

    /// <summary>Whether LOB columns are moved at all.</summary>
    public bool SupportLobs => Flag("TargetMetadata", "SupportLobs");

    /// <summary>The largest size of a LOB, in bytes; null in full LOB mode, where nothing is cut.</summary>
    public int? LobLimit => Flag("TargetMetadata", "FullLobMode") ? null : checked(Number("TargetMetadata", "LobMaxSize") * 1024);

    /// <summary>What is done with the target's tables before the load.</summary>
    public TablePreparation Preparation => Word("FullLoadSettings", "TargetTablePrepMode").ToUpperInvariant() switch
    {
        "DO_NOTHING" => TablePreparation.DoNothing,
        "TRUNCATE_BEFORE_LOAD" => TablePreparation.Truncate,
        _ => TablePreparation.DropAndCreate,
    };

    /// <summary>How many tables, or parts of tables, are loaded at once.</summary>
    public int LoadWorkers => Number("FullLoadSettings", "MaxFullLoadSubTasks");

    /// <summary>Whether the task stops once it has applied what was committed during the load.</summary>
    public bool StopAfterCachedChanges => Flag("FullLoadSettings", "StopTaskCachedChangesApplied");

    /// <summary>Whether the task stops right after the load.</summary>
    public bool StopBeforeCachedChanges => Flag("FullLoadSettings", "StopTaskCachedChangesNotApplied");

    /// <summary>The target's schema for the control tables.</summary>
    public string ControlSchema => Word("ControlTablesSettings", "ControlSchema") is { Length: > 0 } schema ? schema : "public";

    /// <summary>Whether awsdms_suspended_tables is kept.</summary>
    public bool KeepsSuspendedTables => Flag("ControlTablesSettings", "SuspendedTablesTableEnabled");

    /// <summary>Whether awsdms_status is kept.</summary>
    public bool KeepsStatus => Flag("ControlTablesSettings", "StatusTableEnabled");

    /// <summary>Whether rows are compared.</summary>
    public bool Validates => Flag("ValidationSettings", "EnableValidation");

    /// <summary>How long a row must have differed to count as failed: DMS's minutes, taken as seconds.</summary>
    public int ValidationFailureDelay => Number("ValidationSettings", "RecordFailureDelayInMinutes");

    /// <summary>After how long a row that goes on changing is given up: DMS's minutes, taken as seconds.</summary>
    public int ValidationSuspendDelay => Number("ValidationSettings", "RecordSuspendDelayInMinutes");

    /// <summary>Whether LOB columns are left out of the comparison.</summary>
    public bool ValidationSkipsLobs => Flag("ValidationSettings", "SkipLobColumns");

    /// <summary>How often a lost connection is tried again; -1 for ever.</summary>
    public int RecoverableErrorCount => Number("ErrorBehavior", "RecoverableErrorCount");

    /// <summary>The first pause between two tries.</summary>
    public TimeSpan RecoverableErrorInterval => TimeSpan.FromSeconds(Number("ErrorBehavior", "RecoverableErrorInterval"));

    /// <summary>Whether the pauses grow, and to what; null when they do not.</summary>
    public TimeSpan? RecoverableErrorLongest =>
        Flag("ErrorBehavior", "RecoverableErrorThrottling") ? TimeSpan.FromSeconds(Number("ErrorBehavior", "RecoverableErrorThrottlingMax")) : null;

    /// <summary>Whether the first LOB that is cut ends the task.</summary>
    public bool FailsOnLobTruncation => Flag("ErrorBehavior", "FailTasksOnLobTruncation");

    /// <summary>Whether a task without tables fails.</summary>
    public bool FailsWithoutTables => Flag("ErrorBehavior", "FailOnNoTablesCaptured");

    /// <summary>What is done about a kind of trouble.</summary>
    /// <param name="setting">Such as <c>ApplyErrorInsertPolicy</c>.</param>
    public ErrorPolicy Policy(string setting) => ParsePolicy(Word("ErrorBehavior", setting))!.Value;

    /// <summary>Reads settings as CreateReplicationTask takes them: a part of the document.</summary>
    /// <param name="text">JSON, or null for the defaults.</param>
    /// <param name="before">The task's settings so far, which ModifyReplicationTask changes.</param>
    /// <exception cref="Fault">InvalidParameterValueException: no such setting, or not such a value.</exception>
    public static TaskSettings Parse(string? text, TaskSettings? before = null)
    {
        var document = before is null ? (JsonObject)JsonNode.Parse(TaskSettingsDefaults.Json)! : (JsonObject)before._document.DeepClone();
        if (!string.IsNullOrWhiteSpace(text))
        {
            try
            {
                if (JsonNode.Parse(text) is not JsonObject given)
                {
                    throw Fault.InvalidValue("Invalid task settings JSON: an object was expected.");
                }

                Lay(given, document, string.Empty);
            }
            catch (JsonException error)
            {
                throw Fault.InvalidValue($"Invalid task settings JSON: {error.Message}");
            }
        }

        var settings = new TaskSettings(document);
        settings.Check();
        return settings;
    }

    private static void Lay(JsonObject given, JsonObject document, string path)
    {
        foreach (var (name, value) in given)
        {
            if (!document.TryGetPropertyValue(name, out var known))
            {
                throw Fault.InvalidValue($"Invalid task settings JSON: '{path}{name}' is not a task setting.");
            }

            if (known is JsonObject section && value is JsonObject part)
            {
                Lay(part, section, $"{path}{name}.");
            }
            else if (known is null or JsonArray || (value is not null && known.GetValueKind() == value.GetValueKind())
                || (known.GetValueKind() is JsonValueKind.True or JsonValueKind.False && value?.GetValueKind() is JsonValueKind.True or JsonValueKind.False))
            {
                document[name] = value?.DeepClone();
            }
            else
            {
                throw Fault.InvalidValue($"Invalid task settings JSON: '{path}{name}' is {value?.ToJsonString() ?? "null"}, which is not of the kind of {known.ToJsonString()}.");
            }
        }
    }

    private void Check()
    {
        OneOf("FullLoadSettings", "TargetTablePrepMode", "DO_NOTHING", "DROP_AND_CREATE", "TRUNCATE_BEFORE_LOAD");
        Between("FullLoadSettings", "MaxFullLoadSubTasks", 1, 49);
        Between("FullLoadSettings", "CommitRate", 1, 50_000);
        Between("TargetMetadata", "LobMaxSize", 0, 102_400);
        foreach (string setting in TaskSettingsDefaults.Policies)
        {
            if (ParsePolicy(Word("ErrorBehavior", setting)) is null)
            {
                throw Fault.InvalidValue($"Invalid task settings JSON: 'ErrorBehavior.{setting}' is '{Word("ErrorBehavior", setting)}', which is no policy.");
            }
        }

        if (Word("TargetMetadata", "TargetSchema").Length > 0)
        {
            throw Fault.InvalidValue("The local DMS writes each table into the schema of its own name: TargetMetadata.TargetSchema must be empty.");
        }
    }

    private void OneOf(string section, string name, params string[] values)
    {
        if (!values.Contains(Word(section, name).ToUpperInvariant()))
        {
            throw Fault.InvalidValue($"Invalid task settings JSON: '{section}.{name}' is '{Word(section, name)}'; expected {string.Join(", ", values)}.");
        }
    }

    private void Between(string section, string name, int least, int most)
    {
        if (Number(section, name) is var value && (value < least || value > most))
        {
            throw Fault.InvalidValue(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Invalid task settings JSON: '{section}.{name}' is {value}; expected {least} to {most}."));
        }
    }

    private static ErrorPolicy? ParsePolicy(string text) => text.ToUpperInvariant() switch
    {
        "LOG_ERROR" => ErrorPolicy.LogError,
        "IGNORE_RECORD" or "IGNORE" => ErrorPolicy.IgnoreRecord,
        "INSERT_RECORD" => ErrorPolicy.InsertRecord,
        "UPDATE_RECORD" => ErrorPolicy.UpdateRecord,
        "SUSPEND_TABLE" => ErrorPolicy.SuspendTable,
        "STOP_TASK" => ErrorPolicy.StopTask,
        _ => null,
    };

    private bool Flag(string section, string name) => _document[section]![name]!.GetValue<bool>();

    private int Number(string section, string name) => _document[section]![name]!.GetValue<int>();

    private string Word(string section, string name) => _document[section]![name]?.GetValue<string>() ?? string.Empty;
}
