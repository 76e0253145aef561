namespace PgMigration.Wal;

/// <summary>Finds the key of an archive among the settings, in the order in which WAL-G looks; what cannot be read here is refused by its name.</summary>
internal static class EncryptionSettings
{
    /// <summary>The key; null when none is set.</summary>
    /// <exception cref="MigrationException"><c>EncryptionKeyInvalid</c>, <c>EncryptionNotSupported</c>.</exception>
    public static EncryptionKeys? Read(ArchiveSettings settings)
    {
        // a key that was given goes before another method's in the environment
        return From(settings.GivenOnly(), settings) ?? From(settings, settings);
    }

    private static EncryptionKeys? From(ArchiveSettings keys, ArchiveSettings all)
    {
        if (Text(keys, "PGP_KEY", "PGP_KEY_PATH") is var (ring, ringSetting))
        {
            return EncryptionKeys.OpenPgp(ring, Text(all, "PGP_KEY_PASSPHRASE", "PGP_KEY_PASSPHRASE_PATH")?.Text.TrimEnd('\r', '\n'), ringSetting);
        }

        Refuse(keys.Find("ENVELOPE_PGP_KEY") ?? keys.Find("ENVELOPE_PGP_KEY_PATH"), "an OpenPGP key that Yandex KMS unwraps");
        Refuse(keys.Find("GPG_KEY_ID"), "a key in gpg's own key ring", "Export it with 'gpg --armor --export-secret-keys' to a file that only you can read, and name that with -PgpKeyPath or WALG_PGP_KEY_PATH.");
        if (keys.Find("CSE_KMS_ID") is { } kms)
        {
            return EncryptionKeys.AwsKms(kms.Value, all.Find("CSE_KMS_REGION")?.Value, all.Find("AWS_ENDPOINT_URL_KMS") is { } endpoint ? ArchiveAccess.ParseEndpoint(endpoint.Value) : null, kms.ToString());
        }

        Refuse(keys.Find("YC_CSE_KMS_KEY_ID"), "a key of Yandex KMS");
        return Text(keys, "LIBSODIUM_KEY", "LIBSODIUM_KEY_PATH") is var (key, keySetting)
            ? EncryptionKeys.Libsodium(key, all.Find("LIBSODIUM_KEY_TRANSFORM")?.Value ?? "none", keySetting)
            : null;
    }

    /// <summary>The value itself, or the content of the file that another setting names.</summary>
    private static (string Text, string Setting)? Text(ArchiveSettings settings, string name, string pathName)
    {
        if (settings.Find(name) is { } value)
        {
            return (value.Value, value.ToString());
        }

        if (settings.Find(pathName) is not { } path)
        {
            return null;
        }

        try
        {
            return (File.ReadAllText(path.Value).Trim(), path.ToString());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MigrationException("EncryptionKeyInvalid", MigrationErrorKind.NotFound, $"The file that {path} names cannot be read: {error.Message}", error);
        }
    }

    private static void Refuse(ArchiveSetting? setting, string what, string? next = null)
    {
        if (setting is { } found)
        {
            throw new MigrationException("EncryptionNotSupported", MigrationErrorKind.NotSupported,
                $"{found} says that the archive is encrypted with {what}, which is not supported. {next ?? "Expected libsodium, OpenPGP or AWS KMS; unset it if this archive is not encrypted so."}");
        }
    }
}
