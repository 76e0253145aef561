namespace PgMigration.Wal;

/// <summary>A file or folder of a cluster that goes into a backup.</summary>
/// <param name="EntryName">Its name in the tar: from the data directory on, with a leading slash as WAL-G has it.</param>
/// <param name="Path">Where it lies.</param>
/// <param name="Length">Bytes when it was looked at; 0 for a folder.</param>
/// <param name="IsFolder">Whether it is a folder.</param>
internal sealed record ClusterFile(string EntryName, string Path, long Length, bool IsFolder);
