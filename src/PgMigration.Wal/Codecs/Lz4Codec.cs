namespace PgMigration.Wal;

/// <summary>LZ4 frames, written as WAL-G writes them: independent blocks of 4 MB and a checksum of the content.</summary>
/// <remarks>
/// The frame is read and written here, and only the blocks by the library: so that every cut and every wrong checksum is noticed.
/// Format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
/// </remarks>
internal sealed class Lz4Codec : ICodec
{
    internal const uint Magic = 0x184D2204;
    internal const uint SkippableMagic = 0x184D2A50; // the last four bits are the writer's own
    internal const uint LegacyMagic = 0x184C2102;
    internal const int LegacyBlockSize = 8 << 20;
    internal const uint StoredBlock = 0x8000_0000;
    internal const int BlockSize = 4 << 20;

    public string Extension => "lz4";

    public Stream Decompress(Stream compressed) => new Lz4ReadStream(compressed);

    public Stream Compress(Stream destination) => new Lz4WriteStream(destination);
}
