namespace PgMigration.Wal;

/// <summary>Objects as the codec made them.</summary>
internal sealed class NoEncryption : IEncryption
{
    public static NoEncryption Instance { get; } = new();

    public Stream Decrypt(Stream encrypted) => encrypted;

    public Stream Encrypt(Stream destination) => Codec.None.Compress(destination); // hands on, and leaves the destination open
}
