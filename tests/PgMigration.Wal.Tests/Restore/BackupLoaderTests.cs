using System.Runtime.Versioning;

namespace PgMigration.Wal.Tests;

[SupportedOSPlatform("linux")]
public sealed class BackupLoaderTests : IDisposable
{
    private readonly LoadableArchive _archive = new();

    public void Dispose() => _archive.Dispose();

    [Fact]
    public async Task A_backup_is_loaded_byte_for_byte()
    {
        await _archive.WriteAsync();
        var layout = _archive.NewDirectory();

        await _archive.LoadAsync(layout);

        _archive.AssertLoaded(layout);
        string file = Path.Combine(layout.DataDirectory, "base/1/1");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public async Task A_load_that_is_cut_off_anywhere_goes_on_and_ends_with_the_same_bytes()
    {
        await _archive.WriteAsync();
        long whole = new DirectoryInfo(Path.GetDirectoryName(_archive.PathOf("tar_partitions/x"))!).EnumerateFiles().Sum(file => file.Length);

        for (long allowed = 0; allowed < whole; allowed += whole / 9)
        {
            var layout = _archive.NewDirectory();
            using var cut = new InterruptedStorage(_archive.Storage, allowed);
            await Assert.ThrowsAsync<OperationCanceledException>(() => _archive.LoadAsync(layout, cut));
            Assert.False(BackupLoader.IsLoaded(layout)); // no server can start from a half-restored directory
            string[] done = File.ReadAllLines(layout.PartsFile);

            using var rest = new InterruptedStorage(_archive.Storage, long.MaxValue);
            await _archive.LoadAsync(layout, rest);

            _archive.AssertLoaded(layout);
            Assert.Empty(rest.Opened.Intersect(done)); // what was on disk is not fetched again
        }
    }

    [Fact]
    public async Task A_line_that_a_kill_cut_short_does_not_count_as_a_part()
    {
        await _archive.WriteAsync();
        var layout = _archive.NewDirectory();
        await File.WriteAllTextAsync(layout.PartsFile, "part_001.tar.lz"); // "part_001.tar.lz4\n" was meant

        await _archive.LoadAsync(layout);

        _archive.AssertLoaded(layout);
    }

    [Fact]
    public async Task Parts_whose_names_end_in_a_dot_are_loaded()
    {
        await _archive.WriteAsync(Codec.None);
        foreach (string part in Directory.GetFiles(_archive.PathOf("tar_partitions")))
        {
            File.Move(part, part + "."); // WALG_COMPRESSION_METHOD=none
        }

        string list = _archive.PathOf("files_metadata.json");
        await File.WriteAllTextAsync(list, (await File.ReadAllTextAsync(list)).Replace(".tar\"", ".tar.\"", StringComparison.Ordinal));
        var layout = _archive.NewDirectory();

        await _archive.LoadAsync(layout);

        _archive.AssertLoaded(layout);
    }

    [Fact]
    public async Task A_loaded_directory_is_left_alone_when_the_load_is_run_again()
    {
        await _archive.WriteAsync();
        var layout = _archive.NewDirectory();
        await _archive.LoadAsync(layout);
        string changed = Path.Combine(layout.DataDirectory, "base/1/1");
        await File.WriteAllTextAsync(changed, "the server has worked on it");

        await _archive.LoadAsync(layout);

        Assert.Equal("the server has worked on it", await File.ReadAllTextAsync(changed));
    }

    [Fact]
    public async Task A_truncated_part_is_damaged_and_no_server_can_start()
    {
        await _archive.WriteAsync();
        string part = _archive.PathOf("tar_partitions/part_003.tar.lz4");
        byte[] stored = await File.ReadAllBytesAsync(part);
        await File.WriteAllBytesAsync(part, stored[..^9]);
        var layout = _archive.NewDirectory();

        var error = await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(layout));

        Assert.Equal("PartDamaged", error.ErrorId);
        Assert.Contains("part_003.tar.lz4", error.Message, StringComparison.Ordinal);
        Assert.False(BackupLoader.IsLoaded(layout));
    }

    [Fact]
    public async Task A_part_that_is_gone_from_the_archive_is_noticed_by_the_list_of_files()
    {
        await _archive.WriteAsync();
        File.Delete(_archive.PathOf("tar_partitions/part_004.tar.lz4"));
        var layout = _archive.NewDirectory();

        var error = await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(layout));

        Assert.Equal("BackupIncomplete", error.ErrorId);
        Assert.Contains("/base/4/1", error.Message, StringComparison.Ordinal);
        Assert.False(BackupLoader.IsLoaded(layout));
    }

    [Fact]
    public async Task A_hostile_name_in_a_part_is_refused_and_nothing_is_written_outside()
    {
        await _archive.WriteAsync();
        await _archive.WritePartAsync("part_009.tar.lz4", Codec.Lz4, ("/base/../../escaped", [1]));
        _archive.Files.Clear();
        var layout = _archive.NewDirectory();

        Assert.Equal("EntryNameHostile", (await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(layout))).ErrorId);
        Assert.False(File.Exists(Path.Combine(layout.DataDirectory, "../escaped")));
        Assert.False(BackupLoader.IsLoaded(layout));
    }

    [Fact]
    public async Task A_backup_without_a_label_is_refused()
    {
        await _archive.WriteAsync();
        File.Delete(_archive.PathOf("tar_partitions/part_008.tar.lz4"));
        var layout = _archive.NewDirectory();

        Assert.Equal("BackupIncomplete", (await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(layout))).ErrorId);
        Assert.False(BackupLoader.IsLoaded(layout));
    }

    [Fact]
    public async Task Files_of_a_tablespace_go_to_its_folder_and_the_map_stays_away_from_the_server()
    {
        await _archive.WriteAsync();
        await _archive.WritePartAsync("part_009.tar.lz4", Codec.Lz4, ("/pg_tblspc/16400/PG_15_202209061/5/16401", Some.Bytes(9000)), ("tablespace_map", [1]));
        _archive.Files.Remove("tablespace_map");
        var layout = _archive.NewDirectory();
        string folder = layout.DataDirectory + "-tablespace";
        Directory.CreateDirectory(folder);

        await _archive.LoadAsync(layout, options: new LoadOptions { Tablespaces = new Dictionary<string, string> { ["16400"] = folder } });

        _archive.AssertLoaded(layout);
        Some.AssertSame(Some.Bytes(9000), await File.ReadAllBytesAsync(Path.Combine(folder, "PG_15_202209061/5/16401")));
        Assert.Equal(folder, new FileInfo(Path.Combine(layout.DataDirectory, "pg_tblspc/16400")).LinkTarget);
        Assert.False(File.Exists(Path.Combine(layout.DataDirectory, "tablespace_map")));
    }

    [Fact]
    public async Task A_label_that_the_backup_wrote_overrules_one_that_lay_in_the_directory()
    {
        await _archive.WriteAsync();
        await _archive.WritePartAsync("part_009.tar.lz4", Codec.Lz4, ("/backup_label", [1]));
        var layout = _archive.NewDirectory();

        await _archive.LoadAsync(layout);

        Assert.StartsWith("START WAL LOCATION", await File.ReadAllTextAsync(Path.Combine(layout.DataDirectory, "backup_label")), StringComparison.Ordinal);
    }
}
