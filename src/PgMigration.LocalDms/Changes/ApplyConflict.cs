namespace PgMigration.LocalDms;

/// <summary>A row was refused in the middle of a batch: everything since the last commit is read and applied again, row by row, up to here.</summary>
/// <param name="commitLsn">The source transaction that the row belongs to.</param>
/// <param name="message">What the target said.</param>
internal sealed class ApplyConflict(Lsn commitLsn, string message) : Exception(message)
{
    /// <summary>The source transaction that the row belongs to.</summary>
    public Lsn CommitLsn { get; } = commitLsn;
}
