using System.Formats.Tar;
using System.Text.Json;

namespace PgMigration.Wal;

[Collection(S3Collection.Name)]
public sealed class BackupWriterTests : IDisposable
{
    private static readonly BackupStart Start = new(Lsn.Parse("0/29000028"), 1, WalSegmentName.DefaultSize, MadeSegment.Cluster, 150018);
    private static readonly BackupStop Stop = new(Lsn.Parse("0/29000150"), "START WAL LOCATION: 0/29000028\n", "16666 /fast\n");

    private readonly TestS3 _s3;
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"pgm-backup-{Guid.NewGuid():N}");
    private readonly string _data;

    public BackupWriterTests(TestS3 s3)
    {
        _s3 = s3;
        _data = MadeCluster.Make(_folder);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("s3", "lz4")]
    [InlineData("file", "zst")]
    public async Task A_cluster_is_stored_as_WAL_G_stores_it(string kind, string extension)
    {
        using var storage = Open(kind);
        var options = new BackupWriterOptions { Codec = Codec.ByExtension(extension)!, Hostname = "db1", IsPermanent = true };

        var backup = await new BackupWriter(storage, _data, options).WriteAsync(_ => Task.FromResult(Start), _ => Task.FromResult(Stop));

        Assert.Equal("base_000000010000000000000029", backup.Name);
        var found = Assert.Single(await BackupCatalog.ListAsync(storage));
        Assert.Equal((Start.StartLsn, Stop.StopLsn, 150018, MadeSegment.Cluster, true, "db1"), (found.StartLsn!.Value, found.FinishLsn!.Value, found.PgVersion!.Value, found.SystemIdentifier!.Value, found.IsPermanent, found.Hostname));
        Assert.Empty(found.Tablespaces);
        Assert.InRange(found.CompressedSize!.Value, 1, found.UncompressedSize!.Value);

        var parts = await PartsAsync(storage, backup.Name);
        Assert.Equal([$"part_001.tar.{extension}", $"part_002.tar.{extension}", $"part_003.tar.{extension}", $"pg_control.tar.{extension}"], parts.Keys);
        Assert.Equal(["backup_label"], parts[$"part_003.tar.{extension}"].Select(entry => entry.Name));
        Assert.Equal(["/global/pg_control"], parts[$"pg_control.tar.{extension}"].Select(entry => entry.Name));
        string[] files = [.. Ordinary(parts).Where(entry => entry.EntryType == TarEntryType.RegularFile).Select(entry => entry.Name).Order(StringComparer.Ordinal)];
        Assert.Equal(
        [
            "/PG_VERSION", "/base/5/1259", "/base/5/1259.1", "/base/5/1259_fsm", "/base/5/164001", "/base/5/16400_init", "/base/5/PG_VERSION", "/base/5/empty",
            $"/extra/{new string('ä', 80)}/{new string('x', 120)}", "/global/1262", "/pg_xact/0000", "/postgresql.conf",
        ], files);
        Assert.Equal(["/base/", "/base/5/", "/base/6/", $"/extra/", $"/extra/{new string('ä', 80)}/", "/global/", "/log/", "/pg_notify/", "/pg_replslot/", "/pg_tblspc/", "/pg_wal/", "/pg_xact/"],
            Ordinary(parts).Where(entry => entry.EntryType == TarEntryType.Directory).Select(entry => entry.Name).Order(StringComparer.Ordinal));
        foreach (var entry in Ordinary(parts).Where(entry => entry.EntryType == TarEntryType.RegularFile))
        {
            Some.AssertSame(await File.ReadAllBytesAsync(_data + entry.Name), Content(entry));
        }
    }

    [Fact]
    public async Task Every_file_is_named_with_the_part_that_holds_it()
    {
        using var storage = Open("file");
        var backup = await new BackupWriter(storage, _data).WriteAsync(_ => Task.FromResult(Start), _ => Task.FromResult(Stop));

        using var list = JsonDocument.Parse(await Some.AllAsync(await storage.OpenReadAsync($"basebackups_005/{backup.Name}/files_metadata.json")));

        var sets = list.RootElement.GetProperty("TarFileSets");
        foreach (var (part, entries) in await PartsAsync(storage, backup.Name))
        {
            Assert.Equal(entries.Select(entry => entry.Name.TrimEnd('/')), sets.GetProperty(Codec.BareName(part)).EnumerateArray().Select(name => name.GetString()));
        }

        var file = list.RootElement.GetProperty("Files").GetProperty("/base/5/1259");
        Assert.False(file.GetProperty("IsIncremented").GetBoolean());
        Assert.InRange(file.GetProperty("MTime").GetDateTimeOffset(), DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow);
    }

    [Fact]
    public async Task A_tablespace_is_a_plain_folder_in_the_parts_and_a_link_in_the_specification()
    {
        string place = MadeCluster.AddTablespace(_folder, _data);
        using var storage = Open("file");

        var backup = await new BackupWriter(storage, _data).WriteAsync(_ => Task.FromResult(Start), _ => Task.FromResult(Stop));

        Assert.Equal([new BackupTablespace(16666, place)], backup.Tablespaces);
        Assert.Equal([new BackupTablespace(16666, place)], (await BackupCatalog.FindAsync(storage)).Tablespaces);
        var parts = await PartsAsync(storage, backup.Name);
        Assert.Contains("/pg_tblspc/16666/PG_15_202209061/5/16700", Ordinary(parts).Select(entry => entry.Name));
        Assert.Equal(TarEntryType.Directory, Ordinary(parts).Single(entry => entry.Name == "/pg_tblspc/16666/").EntryType);
        Assert.Equal(["backup_label", "tablespace_map"], parts["part_003.tar.lz4"].Select(entry => entry.Name));
    }

    [Fact]
    public async Task Parts_are_of_the_size_that_was_asked_for_and_at_least_two()
    {
        using var storage = Open("file");
        var small = await new BackupWriter(storage, _data, new BackupWriterOptions { PartSize = 310_000, Parallelism = 3 }).WriteAsync(_ => Task.FromResult(Start), _ => Task.FromResult(Stop));

        var parts = await PartsAsync(storage, small.Name);

        Assert.True(parts.Count >= 4, $"{parts.Count} parts");
        Assert.All(parts.Values, entries => Assert.True(entries.Count(entry => entry.Length > 0) == 1 || entries.Sum(entry => entry.Length) <= 310_000, "a part is too large"));
    }

    [Fact]
    public async Task A_file_that_vanishes_is_left_out_and_not_listed()
    {
        using var storage = Open("file");

        // what the walk saw and the copying no longer finds: a table that was dropped between
        var files = ClusterFiles.Walk(_data, IMigrationObserver.None, CancellationToken.None);
        File.Delete(Path.Combine(_data, "base/5/1259.1"));
        Directory.Delete(Path.Combine(_data, "base/6"));
        var part = new BackupPart("part_001.tar", files.Found);
        var tar = new MemoryStream();
        await part.WriteAsync(tar, _ => { }, CancellationToken.None);

        string[] expected = [.. files.Found.Select(file => file.EntryName).Where(name => name is not ("/base/5/1259.1" or "/base/6"))];
        Assert.Equal(expected, part.Written.Select(written => written.EntryName));
        tar.Position = 0;
        Assert.Equal(expected, (await EntriesAsync(tar)).Select(entry => entry.Name.TrimEnd('/')));
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(0)]
    [InlineData(5000)]
    public async Task A_file_that_shrinks_or_grows_keeps_the_length_of_its_header(int actual)
    {
        byte[] bytes = Some.Bytes(actual);
        var stream = new MemoryStream();
        var tar = new TarWriter(stream);
        await tar.AddFileAsync("/base/5/1", new MemoryStream(bytes), 2000, UnixFileMode.UserRead, DateTimeOffset.UtcNow, CancellationToken.None);
        await tar.AddTextAsync("after", "text", CancellationToken.None);
        await tar.CompleteAsync(CancellationToken.None);

        stream.Position = 0;
        var entries = await EntriesAsync(stream);

        Assert.Equal(["/base/5/1", "after"], entries.Select(entry => entry.Name));
        byte[] expected = new byte[2000];
        bytes.AsSpan(0, Math.Min(actual, 2000)).CopyTo(expected);
        Assert.Equal(expected, Content(entries[0]));
        Assert.Equal("text"u8.ToArray(), Content(entries[1]));
    }

    [Fact]
    public async Task A_backup_that_breaks_off_is_none_and_the_next_one_removes_its_rest()
    {
        using var storage = Open("file");
        var writer = new BackupWriter(storage, _data, new BackupWriterOptions { PartSize = 200_000 });
        bool stopped = false;
        await Assert.ThrowsAsync<TimeoutException>(() => writer.WriteAsync(_ => Task.FromResult(Start), _ =>
        {
            stopped = true;
            throw new TimeoutException("the server did not archive the last segment");
        }));
        Assert.True(stopped);
        Assert.Empty(await BackupCatalog.ListAsync(storage));
        Assert.NotEmpty(await storage.ListAsync("basebackups_005/").ToListAsync());

        var backup = await new BackupWriter(storage, _data).WriteAsync(_ => Task.FromResult(Start), _ => Task.FromResult(Stop));

        Assert.Equal(4, (await PartsAsync(storage, backup.Name)).Count);
        Assert.Single(await BackupCatalog.ListAsync(storage));
    }

    [Fact]
    public async Task A_second_backup_of_the_same_segment_gets_the_offset_into_its_name()
    {
        using var storage = Open("file");
        var writer = new BackupWriter(storage, _data);
        await writer.WriteAsync(_ => Task.FromResult(Start), _ => Task.FromResult(Stop));

        var second = await writer.WriteAsync(_ => Task.FromResult(Start with { StartLsn = Lsn.Parse("0/290000A8") }), _ => Task.FromResult(Stop));

        Assert.Equal("base_000000010000000000000029_000000A8", second.Name);
        Assert.Equal(Lsn.Parse("0/290000A8"), second.StartLsn);
        Assert.Equal(2, (await BackupCatalog.ListAsync(storage)).Count);
        var error = await Assert.ThrowsAsync<MigrationException>(() => writer.WriteAsync(_ => Task.FromResult(Start with { StartLsn = Lsn.Parse("0/290000A8") }), _ => Task.FromResult(Stop)));
        Assert.Equal("BackupExists", error.ErrorId);
    }

    [Fact]
    public async Task An_error_while_reading_stores_no_part()
    {
        using var storage = Open("file");
        await Assert.ThrowsAsync<InvalidOperationException>(() => storage.WriteEncodedAsync("part_001.tar", Codec.Lz4, async (stream, token) =>
        {
            await stream.WriteAsync(Some.Bytes(20_000_000), token);
            throw new InvalidOperationException("cannot be read");
        }, CancellationToken.None));

        Assert.Empty(await storage.ListAsync(string.Empty).ToListAsync());
    }

    [Fact]
    public async Task Another_folder_is_not_taken_for_a_cluster()
    {
        using var storage = Open("file");
        var error = await Assert.ThrowsAsync<MigrationException>(() => new BackupWriter(storage, _folder).WriteAsync(_ => Task.FromResult(Start), _ => Task.FromResult(Stop)));
        Assert.Equal("NotADataDirectory", error.ErrorId);
    }

    private static IEnumerable<TarEntry> Ordinary(SortedDictionary<string, List<TarEntry>> parts) => parts.SkipLast(2).SelectMany(part => part.Value);

    private static byte[] Content(TarEntry entry)
    {
        var all = new MemoryStream();
        entry.DataStream?.CopyTo(all);
        return all.ToArray();
    }

    private static async Task<SortedDictionary<string, List<TarEntry>>> PartsAsync(IArchiveStorage storage, string backup)
    {
        var parts = new SortedDictionary<string, List<TarEntry>>(StringComparer.Ordinal);
        string folder = $"basebackups_005/{backup}/tar_partitions/";
        await foreach (var found in storage.ListAsync(folder))
        {
            await using var tar = Codec.ForName(found.Name).Decompress(await storage.OpenReadAsync(found.Name));
            parts.Add(found.Name[folder.Length..], await EntriesAsync(tar));
        }

        return parts;
    }

    private static async Task<List<TarEntry>> EntriesAsync(Stream tar)
    {
        var entries = new List<TarEntry>();
        await using var reader = new TarReader(tar);
        while (await reader.GetNextEntryAsync(copyData: true) is { } entry)
        {
            entries.Add(entry);
        }

        return entries;
    }

    private IArchiveStorage Open(string kind)
    {
        Directory.CreateDirectory(Path.Combine(_folder, "archive"));
        return kind == "s3" ? ArchiveStorage.Open(_s3.NewArchive()) : ArchiveStorage.Open(Path.Combine(_folder, "archive"));
    }
}
