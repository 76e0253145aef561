namespace PgMigration.Wal;

/// <summary>The ways in which an archive's objects are encrypted.</summary>
public static class ArchiveEncryption
{
    /// <summary>Objects as the codec made them.</summary>
    public static IEncryption None => NoEncryption.Instance;

    /// <summary>The encryption of an archive, as its access says.</summary>
    /// <exception cref="MigrationException"><c>EncryptionKeyInvalid</c>, <c>LibsodiumMissing</c>.</exception>
    public static IEncryption Of(ArchiveAccess access)
    {
        ArgumentNullException.ThrowIfNull(access);
        switch (access.Encryption)
        {
            case null:
                return None;
            case { Method: EncryptionMethod.Libsodium, Key: { } key } keys:
                SodiumLibrary.Require();
                return new LibsodiumEncryption(Convert.FromBase64String(key), keys.Setting);
            case { Method: EncryptionMethod.OpenPgp, Key: { } ring } keys:
                return new OpenPgpEncryption(new PgpKeyRing(ring, keys.Passphrase, keys.Setting));
            case { Method: EncryptionMethod.AwsKms, KmsKeyId: not null }:
                return new KmsEncryption(access);
            default:
                throw new MigrationException("EncryptionKeyInvalid", MigrationErrorKind.InvalidData, $"The saved access to {access.Location} names an encryption without its key.");
        }
    }
}
