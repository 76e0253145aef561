using PgMigration.DmsModel;

namespace PgMigration;

/// <summary>What a task has done with one table.</summary>
public sealed record DmsTableReport
{
    /// <summary><c>schema.table</c>.</summary>
    public required string Table { get; init; }

    /// <summary>DMS's word: <c>Before load</c>, <c>Full load</c>, <c>Table completed</c>, <c>Table error</c> and others.</summary>
    public required string State { get; init; }

    /// <summary>Rows loaded.</summary>
    public long LoadedRows { get; init; }

    /// <summary>Inserts, updates and deletes seen at the source since the load.</summary>
    public long Changes { get; init; }

    /// <summary>Those applied at the target; null where DMS does not count them.</summary>
    public long? Applied { get; init; }

    /// <summary>DMS's word on its own comparison: <c>Validated</c>, <c>Pending records</c>, <c>Mismatched records</c>, <c>No primary key</c> and others.</summary>
    public string? Validation { get; init; }

    /// <summary>Rows that differ, by that comparison.</summary>
    public long MismatchedRows { get; init; }

    /// <summary>Rows that it has not compared, or could not.</summary>
    public long UncomparedRows { get; init; }

    /// <summary>Whether its data are there and its changes follow.</summary>
    public bool IsCompleted => State.Equals("Table completed", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether it is given up, or was never there.</summary>
    public bool IsInError => State.Contains("error", StringComparison.OrdinalIgnoreCase) || State.Equals("Table does not exist", StringComparison.OrdinalIgnoreCase) || State.Equals("Table cancelled", StringComparison.OrdinalIgnoreCase);

    internal static DmsTableReport Of(TableStatistics table) => new()
    {
        Table = $"{table.SchemaName}.{table.TableName}",
        State = table.TableState ?? "unknown",
        LoadedRows = table.FullLoadRows ?? 0,
        Changes = (table.Inserts ?? 0) + (table.Updates ?? 0) + (table.Deletes ?? 0),
        Applied = table.AppliedInserts is null && table.AppliedUpdates is null && table.AppliedDeletes is null ? null : (table.AppliedInserts ?? 0) + (table.AppliedUpdates ?? 0) + (table.AppliedDeletes ?? 0),
        Validation = table.ValidationState,
        MismatchedRows = table.ValidationFailedRecords ?? 0,
        UncomparedRows = (table.ValidationPendingRecords ?? 0) + (table.ValidationSuspendedRecords ?? 0),
    };
}
