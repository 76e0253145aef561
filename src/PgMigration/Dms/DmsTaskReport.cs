using PgMigration.DmsModel;

namespace PgMigration;

/// <summary>A task as it is now, with its tables. One that runs with tables in error is reported as failed, whatever DMS calls it.</summary>
public sealed record DmsTaskReport
{
    /// <summary>The task's name.</summary>
    public required string Task { get; init; }

    /// <summary><c>Failed</c>, <c>Loading</c>, <c>Following</c>, <c>Stopped</c>, or DMS's word for what passes.</summary>
    public required string State { get; init; }

    /// <summary>DMS's own word, such as <c>running</c>.</summary>
    public required string Status { get; init; }

    /// <summary>The full load, 0 to 100.</summary>
    public int? LoadedPercent { get; init; }

    /// <summary>What is wrong, in a sentence with the next step; null when nothing is.</summary>
    public string? Detail { get; init; }

    /// <summary>Its tables in error.</summary>
    public string[] TablesInError => [.. Tables.Where(table => table.IsInError).Select(table => table.Table)];

    /// <summary>All of its tables.</summary>
    public required IReadOnlyList<DmsTableReport> Tables { get; init => field = value.ToArray(); }

    /// <summary>When it was last started, in UTC.</summary>
    public DateTime? StartedAt { get; init; }

    /// <summary>Its address in AWS.</summary>
    public required string Arn { get; init; }

    /// <summary>Whether it is beyond going on by itself.</summary>
    public bool IsFailed => State == "Failed";

    /// <summary>Whether it runs, every table is loaded and none in error.</summary>
    public bool IsFollowing => State == "Following";

    /// <summary>Puts together what DMS says of a task and of its tables.</summary>
    internal static DmsTaskReport Of(ReplicationTask task, IReadOnlyList<DmsTableReport> tables)
    {
        string status = task.Status ?? "unknown";
        string name = task.ReplicationTaskIdentifier ?? task.ReplicationTaskArn ?? "?";
        string[] inError = [.. tables.Where(table => table.IsInError).Select(table => table.Table)];
        int errors = Math.Max(inError.Length, task.ReplicationTaskStats?.TablesErrored ?? 0);
        bool gaveUp = status == "stopped" && (task.StopReason ?? string.Empty) is var reason
            && (reason.Contains("FATAL", StringComparison.OrdinalIgnoreCase) || reason.Contains("RECOVERABLE_ERROR", StringComparison.OrdinalIgnoreCase));
        var (state, detail) = status switch
        {
            "failed" or "stopped" when IsSlotLost(task) => ("Failed", $"Task {name} has failed{Because(task)}. {SlotLost}"),
            "failed" or "failed-move" => ("Failed", $"Task {name} has failed{Because(task)}. Mend the cause, then Start-PgDmsReplication goes on with it."),
            _ when gaveUp => ("Failed", $"Task {name} stopped by itself{Because(task)}. Mend the cause, then Start-PgDmsReplication goes on with it."),
            _ when errors > 0 => ("Failed", $"Task {name} is {status}, but {errors} of its tables are in error and not moved: {(inError.Length == 0 ? "Get-PgDmsReplication names them" : string.Join(", ", inError.Take(10)))}{(inError.Length > 10 ? ", …" : string.Empty)}. See the task's log, mend the cause, and load them anew (ReloadTables in the console or aws dms reload-tables)."),
            "running" when IsLoading(task, tables) => ("Loading", (string?)null),
            "running" => ("Following", null),
            "stopped" => ("Stopped", $"Task {name} is stopped{Because(task)}; its slot keeps WAL on the source. Start-PgDmsReplication lets it go on, Remove-PgDmsReplication ends it."),
            "ready" => ("Ready", $"Task {name} has not been started. Start-PgDmsReplication starts it."),
            _ => (status, null),
        };
        return new DmsTaskReport
        {
            Task = name, State = state, Status = status, Detail = detail, LoadedPercent = task.ReplicationTaskStats?.FullLoadProgressPercent, Tables = tables,
            StartedAt = task.ReplicationTaskStartDate, Arn = task.ReplicationTaskArn ?? string.Empty,
        };
    }

    /// <summary>What is to be done when a slot is gone or invalid: no start goes on with such a task.</summary>
    internal const string SlotLost = "What was written since cannot be read any more, so its tables must be loaded anew: Remove-PgDmsReplication, empty them on the target, then Start-PgDmsReplication.";

    // What PostgreSQL says of it stands in DMS's message.
    private static bool IsSlotLost(ReplicationTask task) => task.LastFailureMessage is { } failure
        && System.Text.RegularExpressions.Regex.IsMatch(failure, "replication slot .*(does not exist|invalidated)|can no longer get changes from replication slot", System.Text.RegularExpressions.RegexOptions.IgnoreCase | System.Text.RegularExpressions.RegexOptions.CultureInvariant);

    private static bool IsLoading(ReplicationTask task, IReadOnlyList<DmsTableReport> tables) => task.MigrationType != "cdc"
        && (tables.Count > 0 ? tables.Any(table => !table.IsCompleted)
            : task.ReplicationTaskStats is not { FullLoadProgressPercent: 100 } stats || stats.TablesLoading > 0 || stats.TablesQueued > 0);

    private static string Because(ReplicationTask task) =>
        (task.LastFailureMessage ?? task.StopReason) is { Length: > 0 } why ? $": {why.TrimEnd('.')}" : string.Empty;
}
