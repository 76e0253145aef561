using Org.BouncyCastle.Bcpg;
using Org.BouncyCastle.Bcpg.OpenPgp;

namespace PgMigration.Wal;

/// <summary>One key with a passphrase and one without: gpg takes its time to make them.</summary>
public sealed class GpgKeys : IAsyncLifetime
{
    public Gpg Locked { get; private set; } = null!;

    public Gpg Open { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Locked = await Gpg.NewAsync("default", Gpg.Passphrase);
        Open = await Gpg.NewAsync("future-default", string.Empty);
    }

    public Task DisposeAsync()
    {
        Locked.Dispose();
        Open.Dispose();
        return Task.CompletedTask;
    }
}

public sealed class OpenPgpTests(GpgKeys keys) : IClassFixture<GpgKeys>
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(3_000_000)]
    public async Task What_gpg_encrypts_is_decrypted_with_a_key_that_a_passphrase_locks(int length)
    {
        byte[] bytes = Some.Bytes(length);
        Some.AssertSame(bytes, await DecryptAsync(Locked(), await keys.Locked.EncryptAsync(bytes)));
    }

    [Theory]
    [InlineData("--compress-algo", "none")]
    [InlineData("--compress-algo", "zlib")]
    [InlineData("--cipher-algo", "CAMELLIA256")]
    [InlineData("--cipher-algo", "AES128")]
    [InlineData("--set-filename", "somebody's.tar")]
    public async Task What_gpg_encrypts_in_other_ways_is_decrypted_with_an_open_key(string option, string value)
    {
        byte[] bytes = Some.Bytes(200_000);
        Some.AssertSame(bytes, await DecryptAsync(Open(), await keys.Open.EncryptAsync(bytes, option, value)));
    }

    [Fact]
    public async Task What_is_encrypted_gpg_decrypts()
    {
        byte[] bytes = Some.Bytes(300_000);
        var encrypted = new MemoryStream();
        await using (var stream = EncryptionOf(Locked()).Encrypt(encrypted))
        {
            await stream.WriteAsync(bytes);
        }

        Some.AssertSame(bytes, await keys.Locked.DecryptAsync(encrypted.ToArray(), Gpg.Passphrase));
        Some.AssertSame(bytes, await DecryptAsync(Locked(), encrypted.ToArray()));
    }

    [Fact]
    public async Task A_message_cut_at_any_place_is_an_error()
    {
        byte[] encrypted = await keys.Open.EncryptAsync(Some.Bytes(50_000), "--compress-algo", "none");
        int[] ends = [.. Enumerable.Range(0, 20).Select(i => i * 10), .. Enumerable.Range(1, 10).Select(i => encrypted.Length / 11 * i), .. Enumerable.Range(1, 30).Select(i => encrypted.Length - i)];
        foreach (int end in ends)
        {
            var error = await Record.ExceptionAsync(() => DecryptAsync(Open(), encrypted[..end]));
            Assert.True(error is InvalidDataException or KeyMismatchException, $"{end}: {error}");
        }
    }

    [Fact]
    public async Task An_altered_message_is_an_error_before_its_end()
    {
        byte[] encrypted = await keys.Open.EncryptAsync(Some.Bytes(50_000), "--compress-algo", "none");
        for (int at = 1; at < encrypted.Length; at += 467)
        {
            byte[] altered = [.. encrypted];
            altered[at] ^= 1;
            var error = await Record.ExceptionAsync(() => DecryptAsync(Open(), altered));
            Assert.True(error is InvalidDataException or KeyMismatchException, $"{at}: {error}");
        }

        await Assert.ThrowsAsync<InvalidDataException>(() => DecryptAsync(Open(), [.. encrypted, 0xCB, 1]));
    }

    [Fact]
    public async Task A_message_without_an_integrity_code_is_refused()
    {
        var recipient = new PgpKeyRing(keys.Open.PrivateKey, null, "test").Recipient;
        var generator = new PgpEncryptedDataGenerator(SymmetricKeyAlgorithmTag.Aes256, withIntegrityPacket: false);
        generator.AddMethod(recipient);
        var encrypted = new MemoryStream();
        using (var message = generator.Open(encrypted, new byte[1 << 16]))
        using (var literal = new PgpLiteralDataGenerator().Open(message, 'b', string.Empty, DateTime.UnixEpoch, new byte[1 << 16]))
        {
            literal.Write("could be anything"u8);
        }

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => DecryptAsync(Open(), encrypted.ToArray()));
        Assert.Contains("no integrity code", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_to_another_key_is_told_with_the_ids_of_both()
    {
        byte[] encrypted = await keys.Open.EncryptAsync("x"u8.ToArray());
        var error = await Assert.ThrowsAsync<KeyMismatchException>(() => DecryptAsync(Locked(), encrypted));
        Assert.Contains(new PgpKeyRing(keys.Locked.PrivateKey, null, "test").Ids, error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<KeyMismatchException>(() => DecryptAsync(Locked(), "no message"u8.ToArray()));
    }

    [Theory]
    [InlineData(null, "WALG_PGP_KEY_PASSPHRASE")]
    [InlineData("wrong one", "does not unlock")]
    public async Task A_passphrase_that_is_missing_or_wrong_is_told_without_it(string? passphrase, string expected)
    {
        byte[] encrypted = await keys.Locked.EncryptAsync("x"u8.ToArray());

        var error = await Assert.ThrowsAsync<MigrationException>(() => DecryptAsync(EncryptionKeys.OpenPgp(keys.Locked.PrivateKey, passphrase, "WALG_PGP_KEY"), encrypted));

        Assert.Equal("EncryptionKeyInvalid", error.ErrorId);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong one", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_private_key_is_refused_at_once_without_its_text()
    {
        Assert.Contains("public key", Assert.Throws<MigrationException>(() => EncryptionKeys.OpenPgp(keys.Open.PublicKey, null, "WALG_PGP_KEY")).Message, StringComparison.Ordinal);
        foreach (string text in (string[])["topsecret", string.Empty, keys.Open.PrivateKey[..200]])
        {
            var error = Assert.Throws<MigrationException>(() => EncryptionKeys.OpenPgp(text, null, "WALG_PGP_KEY"));
            Assert.Equal("EncryptionKeyInvalid", error.ErrorId);
            Assert.DoesNotContain("topsecret", error.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_key_in_one_line_with_backslashes_for_new_lines_is_read()
    {
        var oneLine = EncryptionKeys.OpenPgp(keys.Open.PrivateKey.Replace("\n", "\\n", StringComparison.Ordinal), null, "WALG_PGP_KEY");
        Assert.Equal("x"u8.ToArray(), await DecryptAsync(oneLine, await keys.Open.EncryptAsync("x"u8.ToArray())));
    }

    [Fact]
    public async Task The_storages_own_error_is_not_taken_for_a_bad_message()
    {
        byte[] encrypted = await keys.Open.EncryptAsync(Some.Bytes(300_000), "--compress-algo", "none");
        var error = await Assert.ThrowsAsync<IOException>(() => Some.AllAsync(EncryptionOf(Open()).Decrypt(new BrokenStream(encrypted, 200_000))));
        Assert.Equal("the disk is gone", error.Message);
    }

    private EncryptionKeys Locked() => EncryptionKeys.OpenPgp(keys.Locked.PrivateKey, Gpg.Passphrase, "WALG_PGP_KEY");

    private EncryptionKeys Open() => EncryptionKeys.OpenPgp(keys.Open.PrivateKey, null, "WALG_PGP_KEY");

    private static Task<byte[]> DecryptAsync(EncryptionKeys keys, byte[] encrypted) => Some.AllAsync(EncryptionOf(keys).Decrypt(new MemoryStream(encrypted)));

    private static IEncryption EncryptionOf(EncryptionKeys keys) => ArchiveEncryption.Of(new ArchiveAccess { Location = ArchiveLocation.Parse("/archive"), Encryption = keys });

    private sealed class BrokenStream(byte[] bytes, int after) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => Position >= after ? throw new IOException("the disk is gone") : base.Read(buffer, offset, count);
    }
}
