namespace PgMigration.Wal;

/// <summary>The native prefetcher reads all that the library reads: nothing of a codec or an encryption was trimmed away, and its libraries lie beside it.</summary>
[Collection("programs")]
public sealed class EncodedSegmentsTests(PublishedPrograms programs)
{
    private const string First = "000000010000000000000001";
    private const string LibsodiumKey = "a key of more than 25 letters";

    [Theory]
    [InlineData("lz4", "lz4 -c")]
    [InlineData("zst", "zstd -c -q")]
    [InlineData("zst", "zstd -c -q --no-check")]
    [InlineData("br", "brotli -c -3")]
    [InlineData("lzma", "xz --format=lzma -c -1")]
    [InlineData("lzo", "lzop -c")]
    [InlineData("gz", "gzip -c -1")]
    [InlineData("", "cat")]
    public async Task A_segment_of_every_codec_is_fetched(string extension, string tool)
    {
        using var archive = new FollowedArchive(programs);
        byte[] segment = MadeSegment.WithRecords(First);
        archive.Put(Codec.ByExtension(extension)!.NameFor(First), await Tool.RunAsync(tool, segment));

        await ExpectAsync(archive, segment);
    }

    [Fact]
    public async Task Segments_whose_names_end_in_a_dot_are_followed()
    {
        using var archive = new FollowedArchive(programs);
        byte[] second = MadeSegment.WithRecords(FollowedArchive.Name(2));
        archive.Put(FollowedArchive.Name(1) + ".", MadeSegment.WithRecords(FollowedArchive.Name(1))); // WALG_COMPRESSION_METHOD=none
        Assert.Equal(0, await archive.FetchAsync(FollowedArchive.Name(1)));
        File.Move(archive.Requested, archive.OwnCopy(1));

        using var fetch = await archive.StartWaitingAsync(2);
        archive.Put(FollowedArchive.Name(2) + ".", second);

        await fetch.WaitForExitAsync();
        Assert.Equal(0, fetch.ExitCode);
        Some.AssertSame(second, await File.ReadAllBytesAsync(archive.Requested));
    }

    [Fact]
    public async Task A_damaged_object_is_replaced_by_another_one_of_the_same_segment()
    {
        using var archive = new FollowedArchive(programs);
        byte[] segment = MadeSegment.WithRecords(First);
        archive.Put(First + ".lz4", new byte[5000]);
        archive.Put(First + ".zst", await Tool.RunAsync("zstd -c -q", segment));

        await ExpectAsync(archive, segment);
    }

    [Theory]
    [InlineData("br", "brotli -c -3")]
    [InlineData("lzma", "xz --format=lzma -c -1")]
    public async Task A_codec_without_a_checksum_is_checked_by_the_segments_own_records(string extension, string tool)
    {
        using var archive = new FollowedArchive(programs);
        byte[] segment = MadeSegment.WithRecords(First);
        byte[] altered = [.. segment];
        altered[500_000] ^= 1; // as a flipped bit that the codec does not see
        archive.Put($"{First}.{extension}", await Tool.RunAsync(tool, altered));

        using var fetch = archive.StartFetch(First);
        await archive.StatusAsync(status => status.State == PrefetchState.Damaged);
        archive.Put($"{First}.{extension}", await Tool.RunAsync(tool, segment));

        await fetch.WaitForExitAsync();
        Assert.Equal(0, fetch.ExitCode);
        Some.AssertSame(segment, await File.ReadAllBytesAsync(archive.Requested));
    }

    [Fact]
    public async Task A_segment_encrypted_with_libsodium_is_fetched_and_an_altered_one_never_handed_out()
    {
        var keys = EncryptionKeys.Libsodium(LibsodiumKey, "none", "WALG_LIBSODIUM_KEY");
        byte[] key = Convert.FromBase64String(keys.Key!);
        using var archive = new FollowedArchive(programs, encryption: keys);
        byte[] segment = MadeSegment.WithRecords(First);
        byte[] stored = SecretStream.Encrypt(await Tool.RunAsync("brotli -c -3", segment), key);
        byte[] altered = [.. stored];
        altered[stored.Length / 2] ^= 1;
        archive.Put(First + ".br", altered);

        using var fetch = archive.StartFetch(First);
        var status = await archive.StatusAsync(status => status.State == PrefetchState.Damaged);
        Assert.Contains(First + ".br", status.Detail, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(archive.Layout.PoolFolder, First)));
        archive.Put(First + ".br", stored);

        await fetch.WaitForExitAsync();
        Assert.Equal(0, fetch.ExitCode);
        Some.AssertSame(segment, await File.ReadAllBytesAsync(archive.Requested));
        Assert.DoesNotContain(LibsodiumKey, archive.Log(), StringComparison.Ordinal);
        Assert.DoesNotContain(keys.Key!, archive.Log(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_key_is_named_with_the_object_and_mended_by_another_archive_file()
    {
        var right = EncryptionKeys.Libsodium(LibsodiumKey, "none", "WALG_LIBSODIUM_KEY");
        using var archive = new FollowedArchive(programs, encryption: EncryptionKeys.Libsodium("another " + LibsodiumKey, "none", "WALG_LIBSODIUM_KEY_PATH"));
        byte[] segment = MadeSegment.WithRecords(First);
        archive.Put(First + ".lz4", SecretStream.Encrypt(await Tool.RunAsync("lz4 -c", segment), Convert.FromBase64String(right.Key!)));

        using var fetch = archive.StartFetch(First);
        var status = await archive.StatusAsync(status => status.State == PrefetchState.Damaged);
        Assert.Contains(First + ".lz4", status.Detail, StringComparison.Ordinal);
        Assert.Contains("WALG_LIBSODIUM_KEY_PATH", status.Detail, StringComparison.Ordinal);

        (ArchiveAccess.Load(archive.Layout.ArchiveFile) with { Encryption = right }).Save(archive.Layout.ArchiveFile);
        await fetch.WaitForExitAsync();
        Assert.Equal(0, fetch.ExitCode);
        Some.AssertSame(segment, await File.ReadAllBytesAsync(archive.Requested));
    }

    [Fact]
    public async Task A_segment_that_gpg_encrypted_is_fetched_with_a_locked_key()
    {
        using var gpg = await Gpg.NewAsync("default", Gpg.Passphrase);
        using var archive = new FollowedArchive(programs, encryption: EncryptionKeys.OpenPgp(gpg.PrivateKey, Gpg.Passphrase, "WALG_PGP_KEY"));
        byte[] segment = MadeSegment.WithRecords(First);
        archive.Put(First + ".lz4", await gpg.EncryptAsync(await Tool.RunAsync("lz4 -c", segment), "--compress-algo", "none"));

        await ExpectAsync(archive, segment);
    }

    [Fact]
    public async Task A_segment_with_a_key_of_KMS_is_fetched()
    {
        using var kms = new TestKms();
        var access = kms.Access();
        using var archive = new FollowedArchive(programs, encryption: access.Encryption, keys: ("id", "secret"));
        byte[] key = [.. Enumerable.Range(7, 32).Select(i => (byte)i)];
        byte[] segment = MadeSegment.WithRecords(First);
        archive.Put(First + ".lz4", [.. kms.Wrap(key), .. Dare.Encrypt(await Tool.RunAsync("lz4 -c", segment), key)]);

        await ExpectAsync(archive, segment);
    }

    private static async Task ExpectAsync(FollowedArchive archive, byte[] segment)
    {
        int exitCode = await archive.FetchAsync(First);
        Assert.True(exitCode == 0, archive.Log());
        Some.AssertSame(segment, await File.ReadAllBytesAsync(archive.Requested));
    }
}
