namespace PgMigration.Wal;

/// <summary>What both kinds of storage do alike.</summary>
[Collection(S3Collection.Name)]
public sealed class StorageTests(TestS3 s3) : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"pgm-archive-{Guid.NewGuid():N}");

    public static TheoryData<string> Kinds => ["s3", "file"];

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task What_is_written_is_read_back_from_any_offset(string kind)
    {
        using var storage = Open(kind);
        byte[] bytes = Some.Bytes(3_000_017);

        await storage.WriteAsync("wal_005/one.lz4", new MemoryStream(bytes));

        Assert.Equal(bytes, await Some.AllAsync(await storage.OpenReadAsync("wal_005/one.lz4")));
        Assert.Equal(bytes[1_234_567..], await Some.AllAsync(await storage.OpenReadAsync("wal_005/one.lz4", 1_234_567)));
        Assert.Empty(await Some.AllAsync(await storage.OpenReadAsync("wal_005/one.lz4", bytes.Length)));
        var found = await storage.FindAsync("wal_005/one.lz4");
        Assert.Equal(("wal_005/one.lz4", (long)bytes.Length), (found!.Name, found.Length));
        Assert.InRange(found.LastModified, DateTimeOffset.UtcNow.AddMinutes(-2), DateTimeOffset.UtcNow.AddMinutes(2));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_large_object_comes_from_a_stream_of_unknown_length(string kind)
    {
        using var storage = Open(kind);
        byte[] bytes = Some.Bytes((32 << 20) + 12345); // two parts of an upload

        await storage.WriteAsync("large", new Lazy(bytes));

        Assert.Equal(bytes.Length, (await storage.FindAsync("large"))!.Length);
        Some.AssertSame(bytes, await Some.AllAsync(await storage.OpenReadAsync("large")));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task An_empty_object_is_an_object(string kind)
    {
        using var storage = Open(kind);
        await storage.WriteAsync("empty", new MemoryStream());

        Assert.Equal(0, (await storage.FindAsync("empty"))!.Length);
        Assert.Empty(await Some.AllAsync(await storage.OpenReadAsync("empty")));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_listing_is_in_the_order_of_names_and_begins_where_it_is_told(string kind)
    {
        using var storage = Open(kind);
        string[] names = ["b/z", "b/a_1/part", "b/a/x", "b/a/y", "b/a0", "c", "bb"];
        foreach (string name in names)
        {
            await storage.WriteAsync(name, new MemoryStream([1, 2]));
        }

        Assert.Equal(["b/a/x", "b/a/y", "b/a0", "b/a_1/part", "b/z"], await NamesAsync(storage, "b/"));
        Assert.Equal(["b/a0", "b/a_1/part", "b/z"], await NamesAsync(storage, "b/", startAfter: "b/a/y"));
        Assert.Equal(["b/a_1/part", "b/z"], await NamesAsync(storage, "b/", startAfter: "b/a0"));
        Assert.Equal(["b/a/x", "b/a/y"], await NamesAsync(storage, "b/a/"));
        Assert.Empty(await NamesAsync(storage, "nothing/"));
        Assert.Equal(7, (await NamesAsync(storage, string.Empty)).Count);
    }

    [Fact]
    public async Task A_folder_is_listed_as_a_bucket_would_be()
    {
        using var storage = Open("file"); // s3rver itself sorts "a-" after "a/", unlike S3
        foreach (string name in (string[])["a/x", "a-", "a.b", "a0"])
        {
            await storage.WriteAsync(name, new MemoryStream([1]));
        }

        Assert.Equal(["a-", "a.b", "a/x", "a0"], await NamesAsync(storage, "a"));
        Assert.Equal(["a/x", "a0"], await NamesAsync(storage, "a", startAfter: "a.b"));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task What_is_not_there_is_told_by_its_name(string kind)
    {
        using var storage = Open(kind);
        await storage.WriteAsync("something", new MemoryStream([1]));

        Assert.Null(await storage.FindAsync("wal_005/absent.lz4"));
        var error = await Assert.ThrowsAsync<MigrationException>(() => storage.OpenReadAsync("wal_005/absent.lz4"));
        Assert.Equal(("ArchiveObjectNotFound", MigrationErrorKind.NotFound), (error.ErrorId, error.Kind));
        Assert.Contains("wal_005/absent.lz4", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Removing_works_twice(string kind)
    {
        using var storage = Open(kind);
        await storage.WriteAsync("gone", new MemoryStream([1]));

        await storage.DeleteAsync("gone");
        await storage.DeleteAsync("gone");

        Assert.Null(await storage.FindAsync("gone"));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_write_that_breaks_leaves_nothing(string kind)
    {
        using var storage = Open(kind);
        await storage.WriteAsync("before", new MemoryStream([1]));

        await Assert.ThrowsAsync<InvalidDataException>(() => storage.WriteAsync("broken", new Lazy(Some.Bytes(40 << 20), breakAt: 39 << 20)));

        Assert.Equal(["before"], await NamesAsync(storage, string.Empty));
        Assert.Null(await storage.FindAsync("broken"));
    }

    [Fact]
    public async Task A_file_that_is_still_being_written_is_not_listed()
    {
        using var storage = Open("file");
        await storage.WriteAsync("a", new MemoryStream([1]));
        var slow = new Lazy(Some.Bytes(1 << 20));
        List<string>? seen = null;
        slow.OnFirstRead = async () =>
        {
            Assert.Equal(2, Directory.GetFiles(_folder).Length); // it is there under another name
            seen = await NamesAsync(storage, string.Empty);
        };

        await storage.WriteAsync("b", slow);

        Assert.Equal(["a"], seen!);
        Assert.Equal(["a", "b"], await NamesAsync(storage, string.Empty));
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("a/../../outside")]
    [InlineData("/etc/passwd")]
    public async Task A_name_cannot_leave_the_folder(string name)
    {
        using var storage = Open("file");
        var error = await Assert.ThrowsAsync<MigrationException>(() => storage.WriteAsync(name, new MemoryStream([1])));
        Assert.Equal("ArchiveNameInvalid", error.ErrorId);
    }

    [Fact]
    public async Task A_folder_that_does_not_exist_is_an_error_and_not_an_empty_archive()
    {
        using var storage = Open("file");
        var error = await Assert.ThrowsAsync<MigrationException>(() => NamesAsync(storage, "wal_005/"));
        Assert.Equal("ArchiveNotFound", error.ErrorId);
    }

    [Fact]
    public async Task A_bucket_that_does_not_exist_is_an_error_and_not_an_empty_archive()
    {
        using var storage = ArchiveStorage.Open(s3.NewArchive() with { Location = ArchiveLocation.Parse("s3://other-bucket/prod") });
        var error = await Assert.ThrowsAsync<MigrationException>(() => NamesAsync(storage, "wal_005/"));
        Assert.Equal("ArchiveNotFound", error.ErrorId);
        Assert.Contains("other-bucket", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_keys_are_refused_at_once_and_not_repeated_in_the_error()
    {
        // s3rver compares the key's id and not the signature
        using var storage = ArchiveStorage.Open(s3.NewArchive().WithKeys("AKIAUNKNOWN", "wrong-secret"));
        var error = await Assert.ThrowsAsync<MigrationException>(() => NamesAsync(storage, "wal_005/"));
        Assert.Equal(("ArchiveAccessDenied", MigrationErrorKind.PermissionDenied), (error.ErrorId, error.Kind));
        Assert.DoesNotContain("wrong-secret", error.ToString(), StringComparison.Ordinal);
    }

    private static async Task<List<string>> NamesAsync(IArchiveStorage storage, string prefix, string? startAfter = null) =>
        await storage.ListAsync(prefix, startAfter).Select(found => found.Name).ToListAsync();

    private IArchiveStorage Open(string kind) => kind == "s3" ? ArchiveStorage.Open(s3.NewArchive()) : ArchiveStorage.Open(_folder);

    /// <summary>A stream that does not know its length, gives little at a time, and may break.</summary>
    private sealed class Lazy(byte[] bytes, int breakAt = int.MaxValue) : ReadStream
    {
        private int _at;

        public Func<Task>? OnFirstRead { get; set; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_at == 0 && OnFirstRead is not null)
            {
                await OnFirstRead();
            }

            if (_at >= breakAt)
            {
                throw new InvalidDataException("broken on purpose");
            }

            int count = Math.Min(Math.Min(buffer.Length, 100_000), bytes.Length - _at);
            bytes.AsSpan(_at, count).CopyTo(buffer.Span);
            _at += count;
            return count;
        }
    }
}
