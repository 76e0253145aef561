using Org.BouncyCastle.Bcpg;
using Org.BouncyCastle.Bcpg.OpenPgp;

namespace PgMigration.Wal;

/// <summary>OpenPGP messages to a key ring's public key, as WAL-G writes them, and gpg.</summary>
internal sealed class OpenPgpEncryption(PgpKeyRing ring) : IEncryption
{
    public Stream Decrypt(Stream encrypted) => new OpenPgpReadStream(encrypted, ring);

    public Stream Encrypt(Stream destination) => new MessageStream(destination, ring.Recipient);

    /// <summary>A literal of unknown length inside an encrypted message with an integrity code.</summary>
    private sealed class MessageStream : WriteStream
    {
        private const int PacketSize = 1 << 16;
        private readonly Stream _message;
        private readonly Stream _literal;
        private bool _ended;

        public MessageStream(Stream destination, PgpPublicKey recipient)
        {
            var message = new PgpEncryptedDataGenerator(SymmetricKeyAlgorithmTag.Aes256, withIntegrityPacket: true);
            message.AddMethod(recipient);
            _message = message.Open(new Unclosed(destination), new byte[PacketSize]);
            _literal = new PgpLiteralDataGenerator().Open(_message, PgpLiteralData.Binary, string.Empty, DateTime.UnixEpoch, new byte[PacketSize]);
        }

        public override void Write(ReadOnlySpan<byte> buffer) => _literal.Write(buffer);

        public override void Flush()
        {
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_ended)
            {
                _ended = true;
                _literal.Dispose();
                _message.Dispose();
            }

            base.Dispose(disposing);
        }
    }

    private sealed class Unclosed(Stream destination) : WriteStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => destination.Write(buffer);

        public override void Flush() => destination.Flush();
    }
}
