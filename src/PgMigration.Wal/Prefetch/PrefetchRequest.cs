namespace PgMigration.Wal;

/// <summary>One request of restore_command.</summary>
/// <param name="File">The name that PostgreSQL wants: a segment or a timeline's history.</param>
/// <param name="OldestNeeded">The segment before which all may be forgotten; null when it is not known.</param>
/// <param name="Now">Ends when the answer must come at once, because the server is to be promoted.</param>
internal sealed record PrefetchRequest(string File, WalSegmentName? OldestNeeded, Task Now);
