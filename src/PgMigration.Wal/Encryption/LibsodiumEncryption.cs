namespace PgMigration.Wal;

/// <summary>WAL-G's libsodium objects: the header of a crypto_secretstream_xchacha20poly1305, then chunks of 8192 bytes, the last one tagged FINAL.</summary>
/// <param name="key">32 bytes.</param>
/// <param name="keyName">Which setting holds the key, for errors.</param>
internal sealed class LibsodiumEncryption(byte[] key, string keyName) : IEncryption
{
    /// <summary>Content of a chunk; only the last one holds less.</summary>
    public const int ChunkSize = 8192;

    public Stream Decrypt(Stream encrypted) => new LibsodiumReadStream(encrypted, key, keyName);

    public Stream Encrypt(Stream destination) => new LibsodiumWriteStream(destination, key);
}
