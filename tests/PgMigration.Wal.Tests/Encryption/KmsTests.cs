namespace PgMigration.Wal;

public sealed class KmsTests : IDisposable
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private readonly TestKms _kms = new();

    public void Dispose() => _kms.Dispose();

    [Theory]
    [InlineData("20000d00bb70bddeda9ef0718e58d91ff784cdf1d50450a9c35648dbecb75cd018a08279aa727c6b38456369fccd")] // AES-256-GCM
    [InlineData("20010d00dd5cfdf0dde637d8b3d31cc4ac9a717378c53a77ffd7520f49cbbaf6b9db7e803cfbbe1efb8366269cb0")] // ChaCha20-Poly1305
    public async Task What_sio_wrote_is_read(string hex)
    {
        // sio.EncryptWriter of github.com/minio/sio at 0.4, with the key 00 01 … 1F, of "hello from sio"
        Assert.Equal("hello from sio"u8.ToArray(), await DecryptAsync([.. _kms.Wrap(Key), .. Convert.FromHexString(hex)]));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(65_536, 0)]
    [InlineData(65_537, 1)]
    [InlineData(400_000, 0)]
    [InlineData(400_000, 1)]
    public async Task Packages_are_put_together(int length, byte cipher)
    {
        byte[] bytes = Some.Bytes(length);
        Some.AssertSame(bytes, await DecryptAsync([.. _kms.Wrap(Key), .. Dare.Encrypt(bytes, Key, cipher)]));
    }

    [Fact]
    public async Task A_stream_cut_at_any_place_is_an_error()
    {
        byte[] encrypted = [.. _kms.Wrap(Key), .. Dare.Encrypt(Some.Bytes(150_000), Key)];
        foreach (int end in (int[])[0, 1, 183, 184, 185, 200, 300, 184 + 65_568, 184 + 65_568 + 16, 184 + (2 * 65_568), encrypted.Length - 17, encrypted.Length - 1])
        {
            await Assert.ThrowsAsync<InvalidDataException>(() => DecryptAsync(encrypted[..end]));
        }
    }

    [Fact]
    public async Task Altered_reordered_and_appended_packages_are_errors()
    {
        byte[] wrapped = _kms.Wrap(Key);
        byte[] stream = Dare.Encrypt(Some.Bytes(150_000), Key);
        for (int at = 0; at < stream.Length; at += at < 20 ? 1 : 4_999)
        {
            byte[] altered = [.. wrapped, .. stream];
            altered[184 + at] ^= 0x40;
            var error = await Record.ExceptionAsync(() => DecryptAsync(altered));
            Assert.True(error is InvalidDataException or KeyMismatchException, $"{at}: {error}");
        }

        await Assert.ThrowsAsync<InvalidDataException>(() => DecryptAsync([.. wrapped, .. stream[65_568..(2 * 65_568)], .. stream[..65_568], .. stream[(2 * 65_568)..]]));
        await Assert.ThrowsAsync<InvalidDataException>(() => DecryptAsync([.. wrapped, .. stream, 1]));
    }

    [Fact]
    public async Task A_key_is_unwrapped_once_however_often_its_object_is_read()
    {
        var encryption = ArchiveEncryption.Of(_kms.Access());
        byte[] first = [.. _kms.Wrap(Key), .. Dare.Encrypt(Some.Bytes(10), Key)];
        byte[] otherKey = [.. Key.Reverse()];
        byte[] second = [.. _kms.Wrap(otherKey), .. Dare.Encrypt(Some.Bytes(10, seed: 2), otherKey)];

        foreach (byte[] stored in (byte[][])[first, second, first, first, second])
        {
            _ = await Some.AllAsync(encryption.Decrypt(new MemoryStream(stored)));
        }

        Assert.Equal(2, _kms.Calls);
    }

    [Fact]
    public async Task A_key_that_KMS_never_wrapped_is_told_as_a_key_that_does_not_fit()
    {
        byte[] stored = [.. new byte[184], .. Dare.Encrypt(Some.Bytes(10), Key)];
        var error = await Assert.ThrowsAsync<KeyMismatchException>(() => DecryptAsync(stored));
        Assert.Contains("alias/wal", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_names_the_right_that_is_missing()
    {
        _kms.Refusal = "AccessDeniedException";
        var error = await Assert.ThrowsAsync<MigrationException>(() => DecryptAsync([.. _kms.Wrap(Key), .. Dare.Encrypt(Some.Bytes(10), Key)]));
        Assert.Equal(("KmsAccessDenied", MigrationErrorKind.PermissionDenied), (error.ErrorId, error.Kind));
        Assert.Contains("kms:Decrypt", error.Message, StringComparison.Ordinal);
    }

    private Task<byte[]> DecryptAsync(byte[] stored) => Some.AllAsync(ArchiveEncryption.Of(_kms.Access()).Decrypt(new MemoryStream(stored)));
}
