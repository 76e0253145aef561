namespace PgMigration.Wal;

[Collection(S3Collection.Name)]
public sealed class SegmentWriterTests : IDisposable
{
    private const string Name = "000000010000000000000001";
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"pgm-push-{Guid.NewGuid():N}");
    private readonly IArchiveStorage _storage;

    public SegmentWriterTests(TestS3 s3)
    {
        Directory.CreateDirectory(_folder);
        _storage = ArchiveStorage.Open(s3.NewArchive());
    }

    public void Dispose()
    {
        _storage.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(Name, "lz4")]
    [InlineData(Name + ".partial", "zst")]
    public async Task A_segment_that_is_pushed_is_fetched_again(string name, string extension)
    {
        byte[] bytes = MadeSegment.Bytes(Name);

        Assert.True(await SegmentWriter.PushAsync(_storage, File(bytes), name, Codec.ByExtension(extension)));

        string target = Path.Combine(_folder, "target");
        Assert.True(await new SegmentStore(_storage, MadeSegment.Check).FetchAsync(name, target));
        Some.AssertSame(bytes, await System.IO.File.ReadAllBytesAsync(target));
        Assert.Equal($"wal_005/{name}.{extension}", (await SegmentStore.FindAsync(_storage, name))!.Object.Name);
    }

    [Theory]
    [InlineData("00000002.history", "1\t0/4000028\tno recovery target specified\n")]
    [InlineData(Name + ".00000028.backup", "START WAL LOCATION: 0/1000028\n")]
    public async Task Other_files_of_the_archive_are_pushed_too(string name, string text)
    {
        Assert.True(await SegmentWriter.PushAsync(_storage, File(System.Text.Encoding.ASCII.GetBytes(text)), name));
        Assert.Equal(name, (await SegmentStore.FindAsync(_storage, name))!.Name);
    }

    [Fact]
    public async Task Pushing_the_same_again_is_a_success_and_another_content_an_error_that_changes_nothing()
    {
        byte[] bytes = MadeSegment.Bytes(Name);
        Assert.True(await SegmentWriter.PushAsync(_storage, File(bytes), Name));

        Assert.False(await SegmentWriter.PushAsync(_storage, File(bytes), Name, Codec.Zstd)); // whatever its codec

        byte[] other = [.. bytes];
        other[^1] ^= 1;
        var error = await Assert.ThrowsAsync<MigrationException>(() => SegmentWriter.PushAsync(_storage, File(other), Name));
        Assert.Equal(("SegmentExists", MigrationErrorKind.InvalidOperation), (error.ErrorId, error.Kind));
        string target = Path.Combine(_folder, "target");
        await new SegmentStore(_storage, MadeSegment.Check).FetchAsync(Name, target);
        Some.AssertSame(bytes, await System.IO.File.ReadAllBytesAsync(target));
    }

    [Fact]
    public async Task A_damaged_object_in_the_archive_is_not_taken_for_the_same()
    {
        await _storage.WriteAsync($"wal_005/{Name}.lz4", new MemoryStream([1, 2, 3]));
        var error = await Assert.ThrowsAsync<MigrationException>(() => SegmentWriter.PushAsync(_storage, File(MadeSegment.Bytes(Name)), Name));
        Assert.Equal("SegmentExists", error.ErrorId);
    }

    [Theory]
    [InlineData(Name, 5000, "SegmentTruncated")]
    [InlineData("000000010000000000000002", MadeSegment.Size, "SegmentDamaged")]
    [InlineData(Name, 10, "SegmentDamaged")]
    [InlineData("postgresql.conf", 10, "WalNameInvalid")]
    [InlineData("../" + Name, MadeSegment.Size, "WalNameInvalid")]
    public async Task What_is_not_the_file_of_that_name_is_not_archived(string name, int length, string errorId)
    {
        var error = await Assert.ThrowsAsync<MigrationException>(() => SegmentWriter.PushAsync(_storage, File(MadeSegment.Bytes(Name)[..length]), name));
        Assert.Equal(errorId, error.ErrorId);
        Assert.Empty(await _storage.ListAsync(string.Empty).ToListAsync());
    }

    private string File(byte[] content)
    {
        string path = Path.Combine(_folder, "source");
        System.IO.File.WriteAllBytes(path, content);
        return path;
    }
}
