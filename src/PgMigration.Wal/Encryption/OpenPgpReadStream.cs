using System.Runtime.ExceptionServices;
using Org.BouncyCastle.Bcpg.OpenPgp;

namespace PgMigration.Wal;

/// <summary>Decrypts an OpenPGP message. Its integrity code stands at its end: whoever reads must not believe a byte before the end was read without an error.</summary>
/// <remarks>
/// A message without an integrity code (none of WAL-G's; gpg's with --disable-mdc) is refused: whoever can write to the archive could change it
/// at will. Format: RFC 4880, 5.13. The library reads synchronously.
/// </remarks>
internal sealed class OpenPgpReadStream(Stream encrypted, PgpKeyRing ring) : ReadStream
{
    private readonly Source _source = new(encrypted);
    private PgpPublicKeyEncryptedData? _message;
    private Stream? _content;
    private bool _ended;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new ValueTask<int>(Read(buffer.Span));
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        if (_ended || buffer.IsEmpty)
        {
            return 0;
        }

        try
        {
            _content ??= Open();
            int read = _content.Read(buffer);
            if (read == 0)
            {
                RequireEnd();
                _ended = true;
            }

            return read;
        }
        catch (Exception error) when (error is not (MigrationException or KeyMismatchException or InvalidDataException or OperationCanceledException))
        {
            _source.Failure?.Throw(); // the storage's own error, which the library may have taken for one of the format
            throw new InvalidDataException("The OpenPGP message is cut or altered, or it is none.", error);
        }
    }

    private Stream Open()
    {
        var packets = new PgpObjectFactory(_source);
        var packet = First(packets);
        while (packet is PgpMarker)
        {
            packet = packets.NextPgpObject();
        }

        var message = packet as PgpEncryptedDataList ?? throw new KeyMismatchException("it does not begin as an OpenPGP message. It is encrypted in another way, or not at all, or it was altered.");
        var recipients = message.GetEncryptedDataObjects().OfType<PgpPublicKeyEncryptedData>().ToList();
        foreach (var recipient in recipients)
        {
            if (ring.Find(recipient.KeyId) is { } key)
            {
                _message = recipient.IsIntegrityProtected() ? recipient
                    : throw new InvalidDataException("The OpenPGP message has no integrity code (MDC): it could have been changed by anybody, and is not read.");
                return Literal(recipient.GetDataStream(key));
            }
        }

        throw new KeyMismatchException($"it is encrypted to {(recipients.Count == 0 ? "no public key" : $"key {string.Join(", ", recipients.Select(recipient => PgpKeyRing.Id(recipient.KeyId)))}")}; the private key that is set has {ring.Ids}.");
    }

    // What is no packet at all is an object that was not encrypted like this; what begins as one and breaks off is damaged.
    private PgpObject? First(PgpObjectFactory packets)
    {
        try
        {
            return packets.NextPgpObject();
        }
        catch (IOException) when (_source.Failure is null)
        {
            return null;
        }
    }

    private static Stream Literal(Stream clear)
    {
        var packets = new PgpObjectFactory(clear);
        while (packets.NextPgpObject() is { } packet)
        {
            switch (packet)
            {
                case PgpCompressedData compressed:
                    packets = new PgpObjectFactory(compressed.GetDataStream());
                    break;
                case PgpLiteralData literal:
                    return literal.GetInputStream();
            }
        }

        throw new InvalidDataException("The OpenPGP message holds no data.");
    }

    private void RequireEnd()
    {
        if (!_message!.Verify())
        {
            throw new InvalidDataException("The OpenPGP message was altered: its integrity code does not match its content.");
        }

        if (_source.ReadByte() >= 0)
        {
            throw new InvalidDataException("Data follows the end of the OpenPGP message.");
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _content?.Dispose();
            _source.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>The stored bytes through a buffer, since the library reads headers one byte at a time; remembers a failure to read them.</summary>
    private sealed class Source(Stream inner) : ReadStream
    {
        private readonly byte[] _buffer = new byte[64 * 1024];
        private int _next;
        private int _end;

        public ExceptionDispatchInfo? Failure { get; private set; }

        public override int ReadByte() => _next < _end || Fill() ? _buffer[_next++] : -1;

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            if (buffer.IsEmpty || (_next == _end && !Fill()))
            {
                return 0;
            }

            int count = Math.Min(buffer.Length, _end - _next);
            _buffer.AsSpan(_next, count).CopyTo(buffer);
            _next += count;
            return count;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

        private bool Fill()
        {
            try
            {
                (_next, _end) = (0, inner.Read(_buffer, 0, _buffer.Length));
                return _end > 0;
            }
            catch (Exception error)
            {
                Failure = ExceptionDispatchInfo.Capture(error);
                throw;
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
