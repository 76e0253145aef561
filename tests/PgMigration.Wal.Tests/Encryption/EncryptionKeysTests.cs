namespace PgMigration.Wal;

public sealed class EncryptionKeysTests
{
    private const string Hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    [Theory]
    [InlineData(Hex, "hex", Hex)]
    [InlineData(" 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F\n", "hex", Hex)]
    [InlineData("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "base64", Hex)]
    [InlineData("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", "base64", Hex)]
    [InlineData("TEST_LIBSODIUM_KEY_______", "none", "544553545F4C4942534F4449554D5F4B45595F5F5F5F5F5F5F00000000000000")] // 25 characters, padded with zeros
    [InlineData("0123456789abcdef0123456789abcdefcut", "none", "3031323334353637383961626364656630313233343536373839616263646566")] // cut at 32
    public void A_key_is_made_of_its_text_as_WAL_G_makes_it(string text, string transform, string key) =>
        Assert.Equal(key, Convert.ToHexString(Convert.FromBase64String(EncryptionKeys.Libsodium(text, transform, "WALG_LIBSODIUM_KEY").Key!)), ignoreCase: true);

    [Theory]
    [InlineData("topsecret-of-only-24-chr", "none", "25 characters")]
    [InlineData("topsecrettopsecrettopsecret", "hex", "64 characters")]
    [InlineData("0011topsecret", "base64", "44 characters")]
    [InlineData("dG9wc2VjcmV0", "base64", "32 bytes")] // well-formed, but short
    [InlineData("topsecrettopsecrettopsecret", "rot13", "base64, hex, none")]
    public void A_bad_key_is_told_with_what_was_expected_and_without_its_text(string text, string transform, string expected)
    {
        var error = Assert.Throws<MigrationException>(() => EncryptionKeys.Libsodium(text, transform, "WALG_LIBSODIUM_KEY in /home/x/.walg.json"));

        Assert.Equal(("EncryptionKeyInvalid", MigrationErrorKind.InvalidArgument), (error.ErrorId, error.Kind));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains("WALG_LIBSODIUM_KEY", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(text, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_of_a_key_is_shown()
    {
        var access = new ArchiveAccess { Location = ArchiveLocation.Parse("/archive"), Encryption = EncryptionKeys.Libsodium(Hex, "hex", "WALG_LIBSODIUM_KEY") };

        string shown = $"{access} {access.Encryption}";

        Assert.Contains("Libsodium by WALG_LIBSODIUM_KEY", shown, StringComparison.Ordinal);
        Assert.DoesNotContain(access.Encryption.Key!, shown, StringComparison.Ordinal);
    }

    [Fact]
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    public void Keys_are_saved_for_the_prefetcher_in_a_file_that_only_its_owner_reads()
    {
        string file = Path.Combine(Directory.CreateTempSubdirectory("pgm-keys-").FullName, "archive.json");
        var access = new ArchiveAccess
        {
            Location = ArchiveLocation.Parse("/archive"), Encryption = EncryptionKeys.Libsodium(Hex, "hex", "WALG_LIBSODIUM_KEY") with { Passphrase = "p" }, CertificateAuthorities = "pem",
        };

        access.Save(file);

        Assert.Equal(access, ArchiveAccess.Load(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }
}
