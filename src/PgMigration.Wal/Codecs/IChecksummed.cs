namespace PgMigration.Wal;

/// <summary>A stream of decoded bytes that may know a checksum of them.</summary>
internal interface IChecksummed
{
    /// <summary>
    /// Whether all that was read so far is compared with a checksum of the content, by the stream's end at the latest. Known after the first
    /// read; it becomes false when a later frame of the stream has no checksum.
    /// </summary>
    bool HasChecksum { get; }
}
