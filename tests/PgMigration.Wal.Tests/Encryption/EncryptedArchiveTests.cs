namespace PgMigration.Wal;

/// <summary>Storage, encryption and codec together, as every reader of an archive has them.</summary>
public sealed class EncryptedArchiveTests : IDisposable
{
    private const string Name = "wal_005/000000010000000000000001";
    private readonly string _folder = Directory.CreateTempSubdirectory("pgm-encrypted-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_is_stored_through_the_door_comes_back_through_it()
    {
        byte[] bytes = Some.Bytes(200_000);
        foreach (var codec in (ICodec[])[Codec.Lz4, Codec.Zstd, Codec.Brotli, Codec.Gzip, Codec.None])
        {
            using var storage = Open("A key of more than 25 letters");

            await storage.WriteEncodedAsync(Name, codec, (stream, cancel) => stream.WriteAsync(bytes, cancel).AsTask(), CancellationToken.None);

            Some.AssertSame(bytes, await Some.AllAsync(await storage.OpenDecodedAsync(codec.NameFor(Name))));
            Assert.False((await File.ReadAllBytesAsync(Path.Combine(_folder, codec.NameFor(Name)))).AsSpan().IndexOf(bytes.AsSpan(1000, 50)) >= 0, "it is not encrypted");
        }
    }

    [Fact]
    public async Task Another_key_is_told_with_the_objects_name()
    {
        await StoreAsync();
        using var storage = Open("Another key of more than 25 letters");

        var error = await Assert.ThrowsAsync<MigrationException>(async () => await Some.AllAsync(await storage.OpenDecodedAsync(Name + ".lz4")));

        Assert.Equal(("ArchiveKeyWrong", MigrationErrorKind.InvalidData), (error.ErrorId, error.Kind));
        Assert.Contains($"{storage.Url}/{Name}.lz4", error.Message, StringComparison.Ordinal);
        Assert.Contains("WALG_LIBSODIUM_KEY", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_encrypted_object_without_a_key_is_told_as_perhaps_encrypted()
    {
        await StoreAsync();
        using var storage = ArchiveStorage.Open(_folder);

        var error = await Assert.ThrowsAsync<InvalidDataException>(async () => await Some.AllAsync(await storage.OpenDecodedAsync(Name + ".lz4")));

        Assert.Contains("encrypted", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_codec_without_a_checksum_has_that_of_its_encryption()
    {
        using var storage = Open("A key of more than 25 letters");
        await storage.WriteEncodedAsync(Name, Codec.Brotli, (stream, cancel) => stream.WriteAsync(Some.Bytes(50_000), cancel).AsTask(), CancellationToken.None);
        string file = Path.Combine(_folder, Name + ".br");
        byte[] stored = await File.ReadAllBytesAsync(file);

        await using (var whole = await storage.OpenDecodedAsync(Name + ".br"))
        {
            Assert.True(Assert.IsAssignableFrom<IChecksummed>(whole).HasChecksum);
        }

        for (int at = 24; at < stored.Length; at += 611)
        {
            byte[] altered = [.. stored];
            altered[at] ^= 2;
            await File.WriteAllBytesAsync(file, altered);
            var error = await Record.ExceptionAsync(async () => await Some.AllAsync(await storage.OpenDecodedAsync(Name + ".br")));
            Assert.True(error is InvalidDataException or MigrationException { ErrorId: "ArchiveKeyWrong" }, $"{at}: {error}");
        }
    }

    [Fact]
    public async Task An_archive_command_encrypts_and_knows_again_what_it_stored()
    {
        using var storage = Open("A key of more than 25 letters");
        string path = Path.Combine(_folder, "segment");
        await File.WriteAllBytesAsync(path, MadeSegment.Bytes("000000010000000000000001"));

        Assert.True(await SegmentWriter.PushAsync(storage, path, "000000010000000000000001"));
        Assert.False(await SegmentWriter.PushAsync(storage, path, "000000010000000000000001"));
        Assert.True(await new SegmentStore(storage, MadeSegment.Check).FetchAsync("000000010000000000000001", path + ".back"));
        Some.AssertSame(await File.ReadAllBytesAsync(path), await File.ReadAllBytesAsync(path + ".back"));
    }

    private async Task StoreAsync()
    {
        using var storage = Open("A key of more than 25 letters");
        await storage.WriteEncodedAsync(Name, Codec.Lz4, (stream, cancel) => stream.WriteAsync(Some.Bytes(1000), cancel).AsTask(), CancellationToken.None);
    }

    private IArchiveStorage Open(string key) => ArchiveStorage.Open(ArchiveAccess.To(_folder) with { Encryption = EncryptionKeys.Libsodium(key, "none", "WALG_LIBSODIUM_KEY") });
}
