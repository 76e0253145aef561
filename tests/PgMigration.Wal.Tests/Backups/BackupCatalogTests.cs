using System.Text;

namespace PgMigration.Wal;

[Collection(S3Collection.Name)]
public sealed class BackupCatalogTests(TestS3 s3) : IDisposable
{
    // as WAL-G 2.0.1 wrote it (names changed)
    private const string Version2 = """
        {"LSN":687865896,"FinishLSN":687866192,"PgVersion":150018,"SystemIdentifier":7300000000000000001,"UncompressedSize":1000,"CompressedSize":300,
         "DataCatalogSize":0,"Spec":{"base_prefix":"/data/pg","tablespaces":["16400"],"16400":{"loc":"/fast/ts","link":"pg_tblspc/16400"}},"FilesMetadataDisabled":false,
         "Version":2,"StartTime":"2026-08-01T10:00:00.123456789Z","FinishTime":"2026-08-01T10:05:00Z","DateFmt":"%Y-%m-%dT%H:%M:%S.%fZ",
         "Hostname":"db1","DataDir":"/data/pg","IsPermanent":true,"ChkpNum":null,"SomethingNew":{"a":[1,2,{"b":3}]}}
        """;

    private const string Version1 = """
        {"LSN":83886120,"DeltaLSN":50331688,"DeltaFrom":"base_000000010000000000000003","DeltaFullName":"base_000000010000000000000003","DeltaCount":1,
         "FinishLSN":83886416,"PgVersion":130004,"SystemIdentifier":7300000000000000001,"UncompressedSize":1000,"CompressedSize":300,"Spec":null,
         "Files":{"/base/5/1259":{"IsIncremented":false,"IsSkipped":true,"MTime":"2026-07-01T00:00:00Z"}},"UserData":null}
        """;

    private const string Metadata = """
        {"start_time":"2026-07-30T10:00:00Z","finish_time":"2026-07-30T10:05:00Z","date_fmt":"%Y-%m-%dT%H:%M:%S.%fZ","hostname":"db0","data_dir":"/old/pg",
         "pg_version":130004,"start_lsn":83886120,"finish_lsn":83886416,"is_permanent":false,"system_identifier":7300000000000000001,
         "uncompressed_size":1000,"compressed_size":300,"user_data":null}
        """;

    private const string WalE = """
        {"wal_segment_backup_stop": "000000010000000000000002", "wal_segment_offset_backup_stop": "00000312", "expanded_size_bytes": 23456789,
         "spec": {"base_prefix": "/wale/pg", "tablespaces": []}}
        """;

    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"pgm-backups-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("s3")]
    [InlineData("file")]
    public async Task Backups_of_every_writer_are_listed_newest_first(string kind)
    {
        using var storage = kind == "s3" ? ArchiveStorage.Open(s3.NewArchive()) : ArchiveStorage.Open(_folder);
        await WriteAsync(storage, "base_000000010000000000000002_00000040_backup_stop_sentinel.json", WalE);
        await WriteAsync(storage, "base_000000010000000000000002_00000040/extended_version.txt", "9.6");
        await WriteAsync(storage, "base_000000010000000000000029_backup_stop_sentinel.json", Version2);
        await WriteAsync(storage, "base_000000010000000000000005_D_000000010000000000000003_backup_stop_sentinel.json", Version1);
        await WriteAsync(storage, "base_000000010000000000000005_D_000000010000000000000003/metadata.json", Metadata);
        await WriteAsync(storage, "base_000000010000000000000044/tar_partitions/part_001.tar.lz4", "not finished: it has no sentinel");
        await WriteAsync(storage, "stream_20260801T000000Z_backup_stop_sentinel.json", "{}");

        var all = await BackupCatalog.ListAsync(storage);

        // the WAL-E one has no time of its own: its sentinel has just been stored
        Assert.Equal(["base_000000010000000000000002_00000040", "base_000000010000000000000029", "base_000000010000000000000005_D_000000010000000000000003"], all.Select(backup => backup.Name));
        var newest = all[1];
        Assert.Equal((Lsn.Parse("0/29000028"), Lsn.Parse("0/29000150"), 150018, 15), (newest.StartLsn!.Value, newest.FinishLsn!.Value, newest.PgVersion!.Value, newest.MajorVersion!.Value));
        Assert.Equal((7300000000000000001UL, 1000L, 300L, 1u), (newest.SystemIdentifier!.Value, newest.UncompressedSize!.Value, newest.CompressedSize!.Value, newest.Timeline));
        Assert.Equal(("db1", "/data/pg", true, false), (newest.Hostname, newest.DataDirectory, newest.IsPermanent, newest.IsDelta));
        Assert.Equal([new BackupTablespace(16400, "/fast/ts")], newest.Tablespaces);
        Assert.Equal(new DateTimeOffset(2026, 8, 1, 10, 5, 0, TimeSpan.Zero), newest.FinishTime);
        Assert.Equal(storage.Url, newest.Archive);

        var delta = all[2];
        Assert.Equal((true, "base_000000010000000000000003", "db0", "/old/pg"), (delta.IsDelta, delta.DeltaFrom, delta.Hostname, delta.DataDirectory));
        Assert.Equal(new DateTimeOffset(2026, 7, 30, 10, 0, 0, TimeSpan.Zero), delta.StartTime);
        Assert.Empty(delta.Tablespaces);

        // WAL-E's offsets are decimal
        Assert.Equal((Lsn.Parse("0/2000028"), Lsn.Parse("0/2000138"), 23456789L, "/wale/pg"), (all[0].StartLsn!.Value, all[0].FinishLsn!.Value, all[0].UncompressedSize!.Value, all[0].DataDirectory));
        Assert.Null(all[0].StartTime);
    }

    [Fact]
    public async Task One_unreadable_sentinel_is_a_warning_and_hides_no_other()
    {
        using var storage = ArchiveStorage.Open(_folder);
        await WriteAsync(storage, "base_000000010000000000000029_backup_stop_sentinel.json", Version2);
        await WriteAsync(storage, "base_00000001000000000000002A_backup_stop_sentinel.json", Version2[..200]);
        await WriteAsync(storage, "base_00000001000000000000002B_backup_stop_sentinel.json", "");
        await WriteAsync(storage, "base_00000001000000000000002C_backup_stop_sentinel.json", """{"Spec":{"tablespaces":["16400"]},"StartTime":"2026-08-01T10:00:00Z"}""");
        var watch = new WatchedWarnings();

        var all = await BackupCatalog.ListAsync(storage, watch);

        Assert.Equal(["base_000000010000000000000029"], all.Select(backup => backup.Name));
        Assert.Equal(["2A", "2B", "2C"], watch.Warnings.Select(text => text.Split(' ')[2][^2..]).Order());
    }

    [Fact]
    public async Task A_backup_of_thousands_of_parts_does_not_hide_those_after_it()
    {
        using var storage = ArchiveStorage.Open(_folder);
        foreach (string name in (string[])["base_000000010000000000000029", "base_000000010000000000000030"])
        {
            for (int part = 1; part <= 1100; part++)
            {
                await PutAsync($"{name}/tar_partitions/part_{part:D4}.tar.lz4");
            }

            await WriteAsync(storage, name + "_backup_stop_sentinel.json", Version2);
        }

        Assert.Equal(2, (await BackupCatalog.ListAsync(storage)).Count);

        async Task PutAsync(string name)
        {
            string path = Path.Combine(_folder, "basebackups_005", name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllBytesAsync(path, []);
        }
    }

    [Theory]
    [InlineData("Files", true)] // the list of an old sentinel is passed over, however long it is
    [InlineData("UserData", false)]
    public async Task A_sentinel_that_is_absurdly_long_is_left_out_with_a_warning(string property, bool isRead)
    {
        using var storage = ArchiveStorage.Open(_folder);
        string filler = string.Join(',', Enumerable.Repeat($"\"{new string('x', 1 << 20)}\"", 17));
        await WriteAsync(storage, "base_000000010000000000000029_backup_stop_sentinel.json", $"{{\"{property}\": [{filler}], \"LSN\": 33554472}}");
        var watch = new WatchedWarnings();

        Assert.Equal(isRead ? 1 : 0, (await BackupCatalog.ListAsync(storage, watch)).Count);

        Assert.Equal(isRead ? 0 : 1, watch.Warnings.Count(warning => warning.Contains("more than 16 MB", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_backup_is_chosen_by_name_and_else_the_newest()
    {
        using var storage = ArchiveStorage.Open(_folder);
        Directory.CreateDirectory(_folder);
        var none = await Assert.ThrowsAsync<MigrationException>(() => BackupCatalog.FindAsync(storage));
        Assert.Equal("BackupNotFound", none.ErrorId);
        Assert.Contains("basebackups_005/", none.Message, StringComparison.Ordinal);

        await WriteAsync(storage, "base_000000010000000000000029_backup_stop_sentinel.json", Version2);
        await WriteAsync(storage, "base_000000010000000000000030_backup_stop_sentinel.json", Version2.Replace("2026-08-01", "2026-08-02", StringComparison.Ordinal));

        Assert.Equal("base_000000010000000000000030", (await BackupCatalog.FindAsync(storage)).Name);
        Assert.Equal("base_000000010000000000000029", (await BackupCatalog.FindAsync(storage, "base_000000010000000000000029")).Name);
        var absent = await Assert.ThrowsAsync<MigrationException>(() => BackupCatalog.FindAsync(storage, "base_x"));
        Assert.Contains("base_000000010000000000000030", absent.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("base_000000010000000000000029", null, false)]
    [InlineData("base_000000010000000000000029_00000028", "00000028", false)]
    [InlineData("base_00000001000000000000002B_D_000000010000000000000029", null, true)]
    [InlineData("base_00000001000000000000002B_00000028_D_000000010000000000000029_00000028", "00000028", true)]
    public void A_name_is_read(string text, string? offset, bool isDelta)
    {
        var name = BackupName.TryParse(text)!;
        Assert.Equal((WalSegmentName.Parse(text.AsSpan(5, 24)), offset, isDelta), (name.StartSegment, name.Offset, name.IsDelta));
    }

    [Theory]
    [InlineData("base_1")]
    [InlineData("base_000000010000000000000029x")]
    [InlineData("base_000000010000000000000029_D_1")]
    [InlineData("stream_20260801T000000Z")]
    public void What_is_no_name_is_none(string text) => Assert.Null(BackupName.TryParse(text));

    private static Task WriteAsync(IArchiveStorage storage, string name, string content) =>
        storage.WriteAsync(BackupCatalog.Folder + name, new MemoryStream(Encoding.UTF8.GetBytes(content)));
}
