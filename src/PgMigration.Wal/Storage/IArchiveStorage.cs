namespace PgMigration.Wal;

/// <summary>Where an archive's objects lie: a bucket prefix or a folder. Names are relative to it, with forward slashes.</summary>
public interface IArchiveStorage : IDisposable
{
    /// <summary>The archive's address, without secrets: <c>s3://bucket/prefix</c> or <c>file:///path</c>.</summary>
    string Url { get; }

    /// <summary>How its WAL and the parts of its backups are encrypted.</summary>
    IEncryption Encryption { get; }

    /// <summary>Lists objects whose names begin with <paramref name="prefix"/>, in the order of their names (ordinal).</summary>
    /// <param name="prefix">The beginning of the name, such as <c>wal_005/</c>.</param>
    /// <param name="startAfter">Only names greater than this one; null for all.</param>
    /// <param name="cancel">Ends the listing.</param>
    IAsyncEnumerable<ArchiveObject> ListAsync(string prefix, string? startAfter = null, CancellationToken cancel = default);

    /// <summary>Looks for one object; null when it is not there.</summary>
    Task<ArchiveObject?> FindAsync(string name, CancellationToken cancel = default);

    /// <summary>
    /// Opens an object to read from <paramref name="offset"/>. The stream heals broken connections by itself (ranged re-reads of the
    /// same version of the object, within a retry budget) and throws rather than end early: reading to its end yields every byte.
    /// </summary>
    /// <exception cref="MigrationException"><c>ArchiveObjectNotFound</c> when it is not there; <c>ArchiveUnreachable</c> when the budget is spent.</exception>
    Task<Stream> OpenReadAsync(string name, long offset = 0, CancellationToken cancel = default);

    /// <summary>
    /// Opens a large object to read all of it as fast as the storage gives it: from a bucket in several ranges at once, ahead of the
    /// reader. What <see cref="OpenReadAsync"/> promises holds here too.
    /// </summary>
    /// <param name="stored">The object as a listing showed it.</param>
    /// <param name="ahead">The memory for what is read ahead, shared by all objects that are read at the time.</param>
    /// <param name="cancel">Ends the opening.</param>
    Task<Stream> OpenWholeAsync(ArchiveObject stored, ReadAhead ahead, CancellationToken cancel = default) => OpenReadAsync(stored.Name, 0, cancel);

    /// <summary>Stores an object; it becomes visible whole or not at all, and its stored length is checked.</summary>
    Task WriteAsync(string name, Stream content, CancellationToken cancel = default);

    /// <summary>Removes an object; nothing happens when it is not there.</summary>
    Task DeleteAsync(string name, CancellationToken cancel = default);
}
