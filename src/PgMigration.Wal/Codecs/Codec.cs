namespace PgMigration.Wal;

/// <summary>The codecs that an archive's objects are written with, chosen by the object's extension. One archive can mix them.</summary>
public static class Codec
{
    /// <summary>LZ4 frames: WAL-G's default.</summary>
    public static ICodec Lz4 { get; } = new Lz4Codec();

    /// <summary>Zstandard.</summary>
    public static ICodec Zstd { get; } = new ZstdCodec();

    /// <summary>Brotli.</summary>
    public static ICodec Brotli { get; } = new BrotliCodec();

    /// <summary>The legacy .lzma container; read only.</summary>
    public static ICodec Lzma { get; } = new LzmaCodec();

    /// <summary>The lzop container, as WAL-E writes it; read only.</summary>
    public static ICodec Lzo { get; } = new LzoCodec();

    /// <summary>Gzip.</summary>
    public static ICodec Gzip { get; } = new GzipCodec();

    /// <summary>Plain objects.</summary>
    public static ICodec None { get; } = new PlainCodec();

    /// <summary>Every codec, the likelier ones first.</summary>
    public static IReadOnlyList<ICodec> All { get; } = [Lz4, Zstd, Brotli, Lzma, Lzo, Gzip, None];

    // What PostgreSQL and the writers of backups themselves put behind a dot: no compression.
    private static readonly HashSet<string> PlainEndings = ["history", "backup", "partial", "tar", "json", "txt"];

    // What else objects are compressed or encrypted with: named as not supported, where any other ending makes an object foreign.
    private static readonly HashSet<string> OtherCodecs = ["xz", "bz2", "lz", "Z", "zip", "7z", "sz", "snappy", "gpg", "pgp", "asc", "enc", "aes", "age"];

    /// <summary>The codec of an extension, such as <c>lz4</c>; null when it is none that we read.</summary>
    /// <param name="extension">Without its dot; empty for plain objects.</param>
    public static ICodec? ByExtension(string extension) => All.FirstOrDefault(codec => codec.Extension == extension);

    /// <summary>The codec that an object was written with, by its name.</summary>
    /// <exception cref="MigrationException"><c>CodecNotSupported</c>: one that neither WAL-G nor WAL-E writes.</exception>
    public static ICodec ForName(string objectName)
    {
        string extension = ExtensionOf(objectName);
        return extension.Length == 0 || PlainEndings.Contains(extension)
            ? None
            : ByExtension(extension) ?? throw new MigrationException("CodecNotSupported", MigrationErrorKind.NotSupported,
                $"The object '{objectName}' is compressed as '.{extension}', which is not supported. Expected .lz4, .zst, .br, .lzma, .lzo, .gz or a plain object.");
    }

    /// <summary>The name without its codec's extension: <c>part_001.tar</c> for <c>part_001.tar.lz4</c>, and for the <c>part_001.tar.</c> of no compression.</summary>
    public static string BareName(string objectName)
    {
        ArgumentNullException.ThrowIfNull(objectName);
        string extension = ExtensionOf(objectName);
        return extension.Length == 0 ? objectName.TrimEnd('.') : PlainEndings.Contains(extension) ? objectName : objectName[..^(extension.Length + 1)];
    }

    /// <summary>Reads what follows PostgreSQL's own name in an object's name: nothing, a bare dot, or a codec's extension.</summary>
    /// <param name="ending">With its dot.</param>
    /// <param name="codec">The codec; null when it is one that is not supported.</param>
    /// <returns>False when it is neither: the object is something else.</returns>
    internal static bool TryReadEnding(ReadOnlySpan<char> ending, out ICodec? codec)
    {
        codec = None;
        if (ending.IsEmpty)
        {
            return true;
        }

        if (ending[0] != '.')
        {
            return false;
        }

        string extension = ending[1..].ToString();
        codec = ByExtension(extension);
        return codec is not null || OtherCodecs.Contains(extension);
    }

    /// <summary>The place of a codec in <see cref="All"/>.</summary>
    internal static int RankOf(ICodec codec)
    {
        int rank = 0;
        while (All[rank] != codec)
        {
            rank++;
        }

        return rank;
    }

    /// <summary>The name that an object gets with a codec: <c>part_001.tar.lz4</c> for <c>part_001.tar</c>.</summary>
    public static string NameFor(this ICodec codec, string bareName) => codec.Extension.Length == 0 ? bareName : $"{bareName}.{codec.Extension}";

    private static string ExtensionOf(string objectName) => Path.GetExtension(objectName[(objectName.LastIndexOf('/') + 1)..]).TrimStart('.');
}
