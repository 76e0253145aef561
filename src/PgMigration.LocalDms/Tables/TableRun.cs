namespace PgMigration.LocalDms;

/// <summary>A table of a task: how far it is, and what has been counted. The task's file keeps it.</summary>
internal sealed class TableRun
{
    private long _inserts, _updates, _deletes, _appliedInserts, _appliedUpdates, _appliedDeletes, _loadedRows;

    /// <summary>The table.</summary>
    public required TableName Name { get; init; }

    /// <summary>Its state, in the words of DescribeTableStatistics.</summary>
    public string State { get; set; } = TableState.Before;

    /// <summary>Why it is in error; null when it is not.</summary>
    public string? Error { get; set; }

    /// <summary>Whether all its parts are on the target.</summary>
    public bool IsLoaded { get; set; }

    /// <summary>Whether the target's table is to be prepared before the load.</summary>
    public bool NeedsPreparation { get; set; }

    /// <summary>Whether it was loaded anew.</summary>
    public bool WasReloaded { get; set; }

    /// <summary>The position of the snapshot that it was loaded from: what was committed before is in it.</summary>
    public ulong SnapshotLsn { get; set; }

    /// <summary>Changes read from the source's log.</summary>
    public long Inserts { get => _inserts; set => _inserts = value; }

    /// <inheritdoc cref="Inserts"/>
    public long Updates { get => _updates; set => _updates = value; }

    /// <inheritdoc cref="Inserts"/>
    public long Deletes { get => _deletes; set => _deletes = value; }

    /// <summary>Changes made on the target.</summary>
    public long AppliedInserts { get => _appliedInserts; set => _appliedInserts = value; }

    /// <inheritdoc cref="AppliedInserts"/>
    public long AppliedUpdates { get => _appliedUpdates; set => _appliedUpdates = value; }

    /// <inheritdoc cref="AppliedInserts"/>
    public long AppliedDeletes { get => _appliedDeletes; set => _appliedDeletes = value; }

    /// <summary>Rows loaded.</summary>
    public long LoadedRows { get => _loadedRows; set => _loadedRows = value; }

    /// <summary>When its load began.</summary>
    public DateTime? LoadBegan { get; set; }

    /// <summary>When its load ended.</summary>
    public DateTime? LoadEnded { get; set; }

    /// <summary>When anything here changed.</summary>
    public DateTime? Changed { get; set; }

    /// <summary>How the comparison of its rows goes, in the words of DescribeTableStatistics.</summary>
    public string Validation { get; set; } = "Not enabled";

    /// <summary>Rows that are to be compared yet.</summary>
    public long ValidationPending { get; set; }

    /// <summary>Rows that differ.</summary>
    public long ValidationFailed { get; set; }

    /// <summary>Rows that change too often to be compared.</summary>
    public long ValidationSuspended { get; set; }

    /// <summary>Whether nothing more is moved for it.</summary>
    public bool IsSuspended => State == TableState.Error;

    /// <summary>Counts changes that were read.</summary>
    public void CountRead(ChangeKind kind)
    {
        _ = kind switch
        {
            ChangeKind.Insert => Interlocked.Increment(ref _inserts),
            ChangeKind.Update => Interlocked.Increment(ref _updates),
            _ => Interlocked.Increment(ref _deletes),
        };
    }

    /// <summary>Counts changes that were made and committed.</summary>
    public void CountApplied(ChangeKind kind)
    {
        _ = kind switch
        {
            ChangeKind.Insert => Interlocked.Increment(ref _appliedInserts),
            ChangeKind.Update => Interlocked.Increment(ref _appliedUpdates),
            _ => Interlocked.Increment(ref _appliedDeletes),
        };
        Changed = DateTime.UtcNow;
    }

    /// <summary>Counts rows that were loaded.</summary>
    public void CountLoaded(long rows) => Interlocked.Add(ref _loadedRows, rows);

    /// <summary>Back to before the load.</summary>
    public void Reset(string state)
    {
        State = state;
        Error = null;
        IsLoaded = false;
        SnapshotLsn = 0;
        LoadedRows = 0;
        LoadBegan = LoadEnded = null;
        Changed = DateTime.UtcNow;
    }
}
