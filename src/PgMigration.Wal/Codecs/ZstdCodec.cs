using ZstdSharp;
using ZstdSharp.Unsafe;

namespace PgMigration.Wal;

/// <summary>Zstandard frames; written with a checksum of the content.</summary>
/// <remarks>WAL-G before late 2022 probably wrote none, and then a flipped bit can decode to wrong data: a segment's records are checked then.</remarks>
internal sealed class ZstdCodec : ICodec
{
    public string Extension => "zst";

    public Stream Decompress(Stream compressed) => new ZstdReadStream(compressed, ZstdLibrary.IsNative);

    public Stream Compress(Stream destination)
    {
        var stream = new CompressionStream(destination, level: 3, leaveOpen: true);
        stream.SetParameter(ZSTD_cParameter.ZSTD_c_checksumFlag, 1);
        return stream;
    }
}
