namespace PgMigration.Wal;

/// <summary>One way of encrypting an archive's objects: around what the codec made of them.</summary>
public interface IEncryption
{
    /// <summary>
    /// A stream that yields the plain bytes of <paramref name="encrypted"/>. A stream that is cut or altered throws
    /// <see cref="InvalidDataException"/> rather than end early; what was read before is proven at the stream's end at the latest.
    /// </summary>
    /// <remarks>Nothing is read or thrown before the first read. A key that does not fit throws <see cref="KeyMismatchException"/> then.</remarks>
    Stream Decrypt(Stream encrypted);

    /// <summary>A stream that encrypts what is written to it into <paramref name="destination"/>, which stays open.</summary>
    /// <exception cref="NotSupportedException">Objects of this kind are only read.</exception>
    Stream Encrypt(Stream destination);
}
