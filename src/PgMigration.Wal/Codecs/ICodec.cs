namespace PgMigration.Wal;

/// <summary>One way of compressing an archive's objects.</summary>
public interface ICodec
{
    /// <summary>The extension in object names without its dot, such as <c>lz4</c>; empty for plain objects.</summary>
    string Extension { get; }

    /// <summary>
    /// A stream that yields the decoded bytes of <paramref name="compressed"/>. A stream that is cut, or whose checksum does not match,
    /// throws <see cref="InvalidDataException"/> rather than end early.
    /// </summary>
    Stream Decompress(Stream compressed);

    /// <summary>A stream that encodes what is written to it into <paramref name="destination"/>, which stays open.</summary>
    Stream Compress(Stream destination);
}
