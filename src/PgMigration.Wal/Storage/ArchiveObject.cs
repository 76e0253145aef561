namespace PgMigration.Wal;

/// <summary>One object of an archive, as a listing shows it.</summary>
/// <param name="Name">Relative to the archive, with forward slashes.</param>
/// <param name="Length">Stored bytes (compressed).</param>
/// <param name="LastModified">When it was stored, in UTC.</param>
public sealed record ArchiveObject(string Name, long Length, DateTimeOffset LastModified)
{
    /// <summary>Its storage class in a bucket, such as <c>GLACIER</c>; null for the standard class and for a folder.</summary>
    public string? StorageClass { get; init; }

    /// <summary>
    /// Whether it can be read at all: <c>Archived</c> and <c>Restoring</c> objects cannot, until S3 has made a copy of them that is readable.
    /// A listing tells it only in part; a look at the single object tells it for certain.
    /// </summary>
    public ArchivedState State { get; init; }
}
