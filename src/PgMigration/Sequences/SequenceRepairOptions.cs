namespace PgMigration;

/// <summary>How sequences are repaired.</summary>
public sealed record SequenceRepairOptions
{
    /// <summary>
    /// How many values to leave free at least beyond the largest known one of the source and of the column, for rows that are still on
    /// their way; a sequence that counts in tens moves ten for each. One that stands farther already is not moved, so a second run changes
    /// nothing.
    /// </summary>
    public long SafetyMargin { get; init; }

    /// <summary>
    /// Also gives a sequence to columns of which no source says that they had one: the single integer column of a primary key, without
    /// default, not generated and in no foreign key, if it is called <c>id</c> or a sequence called <c>table_column_seq</c> lies beside it.
    /// </summary>
    public bool ByNamingRule { get; init; }

    /// <summary>How long a change waits for a lock before it gives up, so that the application does not queue up behind it.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(5);
}
