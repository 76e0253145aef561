namespace PgMigration.DmsModel;

/// <summary>What a task did with one table.</summary>
public sealed record TableStatistics
{
    /// <summary>The schema.</summary>
    public string? SchemaName { get; init; }

    /// <summary>The table.</summary>
    public string? TableName { get; init; }

    /// <summary>Rows inserted at the source since the load.</summary>
    public long? Inserts { get; init; }

    /// <summary>Rows deleted there.</summary>
    public long? Deletes { get; init; }

    /// <summary>Rows changed there.</summary>
    public long? Updates { get; init; }

    /// <summary>Changes of the table itself.</summary>
    public long? Ddls { get; init; }

    /// <summary>Inserts applied at the target.</summary>
    public long? AppliedInserts { get; init; }

    /// <summary>Deletes applied.</summary>
    public long? AppliedDeletes { get; init; }

    /// <summary>Updates applied.</summary>
    public long? AppliedUpdates { get; init; }

    /// <summary>Changes of the table applied.</summary>
    public long? AppliedDdls { get; init; }

    /// <summary>Rows loaded.</summary>
    public long? FullLoadRows { get; init; }

    /// <summary>Rows that a condition kept out.</summary>
    public long? FullLoadCondtnlChkFailedRows { get; init; }

    /// <summary>Rows that failed.</summary>
    public long? FullLoadErrorRows { get; init; }

    /// <summary>When its load began.</summary>
    public DateTime? FullLoadStartTime { get; init; }

    /// <summary>When it was loaded.</summary>
    public DateTime? FullLoadEndTime { get; init; }

    /// <summary>Whether it was loaded anew.</summary>
    public bool? FullLoadReloaded { get; init; }

    /// <summary>When this was last brought up to date.</summary>
    public DateTime? LastUpdateTime { get; init; }

    /// <summary><c>Table does not exist</c>, <c>Before load</c>, <c>Full load</c>, <c>Table completed</c>, <c>Table cancelled</c>, <c>Table error</c>, <c>Table is being reloaded</c>.</summary>
    public string? TableState { get; init; }

    /// <summary>Rows that are not compared yet.</summary>
    public long? ValidationPendingRecords { get; init; }

    /// <summary>Rows that differ.</summary>
    public long? ValidationFailedRecords { get; init; }

    /// <summary>Rows that could not be compared, such as those that change all the time.</summary>
    public long? ValidationSuspendedRecords { get; init; }

    /// <summary><c>Not enabled</c>, <c>Pending records</c>, <c>Mismatched records</c>, <c>Suspended records</c>, <c>No primary key</c>, <c>Table error</c>, <c>Validated</c>, <c>Error</c> and others on the way.</summary>
    public string? ValidationState { get; init; }

    /// <summary>More on the last.</summary>
    public string? ValidationStateDetails { get; init; }
}
