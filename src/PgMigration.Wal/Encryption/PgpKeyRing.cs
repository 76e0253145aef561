using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Org.BouncyCastle.Bcpg.OpenPgp;

namespace PgMigration.Wal;

/// <summary>The private keys of an armored key ring. Each is unlocked once, when it is first needed: a passphrase costs about a second.</summary>
internal sealed class PgpKeyRing
{
    private readonly PgpSecretKeyRingBundle _keys;
    private readonly string? _passphrase;
    private readonly string _name;
    private readonly ConcurrentDictionary<long, Lazy<PgpPrivateKey>> _unlocked = new();

    /// <summary>Reads a key ring.</summary>
    /// <param name="armored">The text that begins with <c>-----BEGIN PGP PRIVATE KEY BLOCK-----</c>.</param>
    /// <param name="passphrase">What unlocks it; null when it is not locked.</param>
    /// <param name="name">Which setting holds it, for errors.</param>
    /// <exception cref="MigrationException"><c>EncryptionKeyInvalid</c>.</exception>
    public PgpKeyRing(string armored, string? passphrase, string name)
    {
        _passphrase = passphrase;
        _name = name;
        try
        {
            _keys = new PgpSecretKeyRingBundle(PgpUtilities.GetDecoderStream(new MemoryStream(Encoding.UTF8.GetBytes(armored))));
        }
        catch (Exception error) when (error is IOException or PgpException or ArgumentException or InvalidOperationException)
        {
            throw Invalid();
        }

        if (!_keys.GetKeyRings().Any())
        {
            throw Invalid();
        }

        MigrationException Invalid() => new("EncryptionKeyInvalid", MigrationErrorKind.InvalidArgument,
            $"{name} holds no OpenPGP private key. Expected what 'gpg --armor --export-secret-keys' writes, beginning with '-----BEGIN PGP PRIVATE KEY BLOCK-----'{(armored.Contains("PUBLIC KEY BLOCK", StringComparison.Ordinal) ? "; it holds a public key, which only encrypts" : string.Empty)}.");
    }

    /// <summary>The ids of its keys, as gpg prints them.</summary>
    public string Ids => string.Join(", ", Secrets.Select(key => Id(key.KeyId)));

    /// <summary>The public key that the archive's objects are encrypted to.</summary>
    public PgpPublicKey Recipient => Secrets.Select(key => key.PublicKey).LastOrDefault(key => key.IsEncryptionKey)
        ?? throw new MigrationException("EncryptionKeyInvalid", MigrationErrorKind.InvalidArgument, $"{_name} holds no key that encrypts.");

    private IEnumerable<PgpSecretKey> Secrets => _keys.GetKeyRings().SelectMany(ring => ring.GetSecretKeys());

    /// <summary>The private key of an id; null when the ring has none.</summary>
    /// <exception cref="MigrationException"><c>EncryptionKeyInvalid</c>: the passphrase is wrong or missing.</exception>
    public PgpPrivateKey? Find(long id) => _keys.GetSecretKey(id) is { IsPrivateKeyEmpty: false } key
        ? _unlocked.GetOrAdd(id, _ => new Lazy<PgpPrivateKey>(() => Unlock(key))).Value
        : null;

    /// <summary>A key's id, as gpg prints it.</summary>
    public static string Id(long id) => id.ToString("X16", CultureInfo.InvariantCulture);

    private PgpPrivateKey Unlock(PgpSecretKey key)
    {
        try
        {
            return key.ExtractPrivateKeyUtf8(_passphrase?.ToCharArray());
        }
        catch (Exception error) when (error is PgpException or IOException or ArgumentException or NullReferenceException)
        {
            // the library's own text is not repeated: it may hold parts of what it read
            throw new MigrationException("EncryptionKeyInvalid", MigrationErrorKind.InvalidArgument, _passphrase is null
                ? $"{_name} is locked by a passphrase. Give it with -PgpPassphrase, or set WALG_PGP_KEY_PASSPHRASE."
                : $"The passphrase does not unlock {_name}. Expected the one that gpg asks for when it exports the key.");
        }
    }
}
