namespace PgMigration.Wal;

/// <summary>A stream of decoded bytes that may know a checksum of them.</summary>
internal interface IChecksummed
{
    /// <summary>Whether what is read is compared with a checksum of the content, by the stream's end at the latest. Known after the first read.</summary>
    bool HasChecksum { get; }
}
