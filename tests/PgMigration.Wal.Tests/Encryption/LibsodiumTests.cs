namespace PgMigration.Wal;

public sealed class LibsodiumTests
{
    private const string KeyInHex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    private static readonly EncryptionKeys Keys = EncryptionKeys.Libsodium(KeyInHex, "hex", "WALG_LIBSODIUM_KEY");

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(8191)]
    [InlineData(8192)]
    [InlineData(8193)]
    [InlineData(16 * 8192)]
    [InlineData(1_000_003)]
    public async Task What_is_encrypted_is_decrypted(int length)
    {
        byte[] bytes = Some.Bytes(length);

        byte[] encrypted = Encrypt(bytes);

        // a header, chunks of 8192 with 17 bytes more, and the last chunk always a short one: as WAL-G writes them
        Assert.Equal(24 + (length / 8192 * (8192 + 17)) + (length % 8192) + 17, encrypted.Length);
        Some.AssertSame(bytes, await DecryptAsync(encrypted));
    }

    [Fact]
    public async Task A_stream_of_another_program_is_read()
    {
        byte[] bytes = Some.Bytes(20_000);
        Some.AssertSame(bytes, await DecryptAsync(SecretStream.Encrypt(bytes, Convert.FromHexString(KeyInHex))));
    }

    [Fact]
    public async Task A_stream_cut_at_any_place_is_an_error()
    {
        byte[] encrypted = Encrypt(Some.Bytes(16 * 8192)); // the final chunk is the first one of another read
        int[] ends = [.. Enumerable.Range(0, 45), 24 + 8209, 24 + 8210, 24 + (2 * 8209), encrypted.Length - 18, encrypted.Length - 17, encrypted.Length - 16, encrypted.Length - 1];
        foreach (int end in ends)
        {
            var error = await Record.ExceptionAsync(() => DecryptAsync(encrypted[..end]));
            Assert.True(error is InvalidDataException or KeyMismatchException, $"{end}: {error}");
        }
    }

    [Fact]
    public async Task A_flipped_bit_is_an_error_wherever_it_is()
    {
        byte[] encrypted = Encrypt(Some.Bytes(20_000));
        for (int at = 0; at < encrypted.Length; at += at < 60 ? 1 : 731)
        {
            byte[] altered = [.. encrypted];
            altered[at] ^= 0x10;
            var error = await Record.ExceptionAsync(() => DecryptAsync(altered));
            Assert.True(error is InvalidDataException or KeyMismatchException, $"{at}: {error}");
        }
    }

    [Theory]
    [InlineData(5)]
    [InlineData((16 * 8192) - 17 - 17)] // the chunks fill the reader's buffer exactly
    public async Task What_follows_the_final_chunk_is_an_error(int length)
    {
        byte[] encrypted = Encrypt(Some.Bytes(length));
        foreach (byte[] longer in (byte[][])[[.. encrypted, 1], [.. encrypted, .. encrypted]])
        {
            // behind a short first chunk it looks like a part of it, and so like another key
            var error = await Record.ExceptionAsync(() => DecryptAsync(longer));
            Assert.True(error is InvalidDataException || (length < 8192 && error is KeyMismatchException), $"{error}");
        }
    }

    [Fact]
    public async Task Chunks_in_another_order_are_an_error()
    {
        byte[] encrypted = Encrypt(Some.Bytes(3 * 8192));
        byte[] swapped = [.. encrypted[..24], .. encrypted[(24 + 8209)..(24 + (2 * 8209))], .. encrypted[24..(24 + 8209)], .. encrypted[(24 + (2 * 8209))..]];
        await Assert.ThrowsAsync<KeyMismatchException>(() => DecryptAsync(swapped));
    }

    [Fact]
    public async Task Another_key_is_told_with_the_setting_and_without_the_key()
    {
        byte[] encrypted = Encrypt(Some.Bytes(100));
        var other = EncryptionKeys.Libsodium(KeyInHex.Replace('0', '1'), "hex", "WALG_LIBSODIUM_KEY in /root/.walg.json");

        var error = await Assert.ThrowsAsync<KeyMismatchException>(() => DecryptAsync(encrypted, other));

        Assert.Contains("WALG_LIBSODIUM_KEY in /root/.walg.json", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("1112131", error.ToString(), StringComparison.Ordinal);
    }

    private static byte[] Encrypt(byte[] bytes)
    {
        var encrypted = new MemoryStream();
        using (var stream = EncryptionOf(Keys).Encrypt(encrypted))
        {
            stream.Write(bytes.AsSpan(0, bytes.Length / 3));
            stream.Write(bytes.AsSpan(bytes.Length / 3));
        }

        Assert.True(encrypted.CanWrite, "the destination stays open");
        return encrypted.ToArray();
    }

    private static Task<byte[]> DecryptAsync(byte[] encrypted, EncryptionKeys? keys = null) => Some.AllAsync(EncryptionOf(keys ?? Keys).Decrypt(new MemoryStream(encrypted)));

    private static IEncryption EncryptionOf(EncryptionKeys keys) => ArchiveEncryption.Of(new ArchiveAccess { Location = ArchiveLocation.Parse("/archive"), Encryption = keys });
}
