namespace PgMigration.LocalDms;

/// <summary>A transaction of the source, or a piece of one that is too long to be held whole.</summary>
/// <param name="CommitLsn">Where its commit record begins: by that it is told whether a snapshot has seen it.</param>
/// <param name="Changes">Its rows, in order.</param>
/// <param name="EndLsn">Where its commit record ends; null while more pieces follow. From here on the stream is asked for after a pause: the commit's own position would bring it twice.</param>
/// <param name="CommitTime">When it was committed, in UTC.</param>
internal sealed record SourceTransaction(Lsn CommitLsn, IReadOnlyList<RowChange> Changes, Lsn? EndLsn, DateTime CommitTime);
