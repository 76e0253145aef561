namespace PgMigration.Wal;

/// <summary>The one door through which objects are read that a codec compressed, and perhaps an encryption went around: the counterpart of <see cref="StreamedWrite"/>.</summary>
/// <remarks>The lists and sentinels of backups, which WAL-G writes as they are, are opened at the storage itself.</remarks>
internal static class DecodedRead
{
    /// <summary>Opens an object and decodes it: storage, then encryption, then the codec that its name tells.</summary>
    /// <exception cref="MigrationException"><c>ArchiveObjectNotFound</c>, <c>ArchiveUnreachable</c>, <c>CodecNotSupported</c>; reading: <c>ArchiveKeyWrong</c>.</exception>
    public static async Task<Stream> OpenDecodedAsync(this IArchiveStorage storage, string name, CancellationToken cancel = default)
    {
        _ = Codec.ForName(name); // before a byte is asked for
        return storage.Decode(name, await storage.OpenReadAsync(name, 0, cancel));
    }

    /// <summary>Decodes an object whose stored bytes are already being read; closing the result closes them.</summary>
    /// <remarks>
    /// The result throws <see cref="InvalidDataException"/> rather than end early, is proven whole when it has been read to its end, and is
    /// <see cref="IChecksummed"/> when a checksum or the encryption proves its content too.
    /// </remarks>
    /// <exception cref="MigrationException"><c>CodecNotSupported</c>; reading: <c>ArchiveKeyWrong</c>.</exception>
    public static Stream Decode(this IArchiveStorage storage, string name, Stream stored)
    {
        var codec = Codec.ForName(name);
        if (storage.Encryption is NoEncryption)
        {
            return codec.Decompress(stored);
        }

        var plain = storage.Encryption.Decrypt(stored);
        return new DecryptedStream(codec.Decompress(plain), plain, $"{storage.Url}/{name}");
    }

    /// <summary>Every encryption proves the content by its end; so that end is read, also when the codec stops before it.</summary>
    private sealed class DecryptedStream(Stream decoded, Stream plain, string url) : ReadStream, IChecksummed
    {
        public bool HasChecksum => true;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                int read = await decoded.ReadAsync(buffer, cancellationToken);
                if (read == 0 && !buffer.IsEmpty && await plain.ReadAsync(new byte[1], cancellationToken) > 0)
                {
                    throw new InvalidDataException("Data follows the end of the compressed stream.");
                }

                return read;
            }
            catch (KeyMismatchException error)
            {
                throw new MigrationException("ArchiveKeyWrong", MigrationErrorKind.InvalidData, $"{url} cannot be decrypted: {error.Message}", error);
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                decoded.Dispose();
                plain.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
