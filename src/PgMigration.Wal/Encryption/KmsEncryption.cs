namespace PgMigration.Wal;

/// <summary>WAL-G's client-side encryption with AWS KMS, read only: a wrapped key in front of each object, then a DARE stream.</summary>
internal sealed class KmsEncryption(ArchiveAccess access) : IEncryption
{
    // What KMS makes of a key of 32 bytes; WAL-G takes the length for granted.
    private const int WrappedKeySize = 184;
    private readonly WrappedKeys _keys = new(access);

    public Stream Decrypt(Stream encrypted) => new UnwrappedStream(encrypted, _keys);

    public Stream Encrypt(Stream destination) => throw new NotSupportedException("Objects with keys of AWS KMS are only read.");

    private sealed class UnwrappedStream(Stream encrypted, WrappedKeys keys) : ReadStream
    {
        private DareReadStream? _content;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_content is null)
            {
                byte[] wrapped = new byte[WrappedKeySize];
                if (await encrypted.ReadAtLeastAsync(wrapped, wrapped.Length, throwOnEndOfStream: false, cancellationToken) < wrapped.Length)
                {
                    throw new InvalidDataException("The encrypted object is cut within its wrapped key.");
                }

                _content = new DareReadStream(encrypted, await keys.UnwrapAsync(wrapped, cancellationToken));
            }

            return await _content.ReadAsync(buffer, cancellationToken);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _content?.Dispose();
                encrypted.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
