namespace PgMigration.Wal;

/// <summary>The container of the lzop tool, which WAL-E pipes everything through; read only. Format: lzop's own sources (lzop.c, p_lzo.c of 1.04).</summary>
/// <remarks>lzop's default is an Adler-32 of each block's content; without any checksum a flipped bit can decode to other data.</remarks>
internal sealed class LzoCodec : ICodec
{
    public string Extension => "lzo";

    public Stream Decompress(Stream compressed) => new LzopReadStream(compressed);

    public Stream Compress(Stream destination) => throw new NotSupportedException("LZO is only read.");
}
