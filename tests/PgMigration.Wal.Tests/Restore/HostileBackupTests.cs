using System.Runtime.Versioning;

namespace PgMigration.Wal.Tests;

/// <summary>Backups that try to write where they must not: over our programs, over the server's configuration, outside.</summary>
[SupportedOSPlatform("linux")]
public sealed class HostileBackupTests : IDisposable
{
    private readonly LoadableArchive _archive = new();

    public void Dispose() => _archive.Dispose();

    [Theory]
    [InlineData("zz", ".", "zz/postgresql.auto.conf")]
    [InlineData("zz", "pgmigration", "zz/bin/pgmigration-walfetch")]
    [InlineData("zz", "/etc", "zz/a/b/c")]
    [InlineData("a/zz", "../pgmigration", "/a//zz/./bin/pgmigration-walfetch")]
    [InlineData("base", "pgmigration", "base/bin/pgmigration-walfetch")]
    [InlineData("zz", "pgmigration/bin/pgmigration-walfetch", "zz")]
    [InlineData("global", "pgmigration", "global/bin/pgmigration-walfetch")]
    [InlineData("pg_tblspc/16400/zz", "../../pgmigration/bin", "pg_tblspc/16400/zz/pgmigration-walfetch")]
    public async Task A_link_inside_the_data_directory_is_refused_and_nothing_is_written_through_it(string link, string target, string file)
    {
        await _archive.WriteAsync();
        await _archive.WriteLinkAsync("part_000.tar", link, target, file);
        var layout = _archive.NewDirectory();
        string program = OurProgram(layout);
        var options = new LoadOptions { Parallelism = 1, Tablespaces = new Dictionary<string, string> { ["16400"] = Directory.CreateDirectory(layout.DataDirectory + "-tablespace").FullName } };

        var error = await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(layout, options: options));

        Assert.Equal("EntryNameHostile", error.ErrorId);
        Assert.Contains(target, error.Message, StringComparison.Ordinal);
        Assert.Equal("ours", await File.ReadAllTextAsync(program));
        Assert.False(File.Exists(Path.Combine(layout.DataDirectory, "postgresql.auto.conf")));
        Assert.False(BackupLoader.IsLoaded(layout));
    }

    [Fact]
    public async Task A_link_that_an_earlier_run_left_is_not_written_through()
    {
        await _archive.WriteAsync();
        var layout = _archive.NewDirectory();
        string program = OurProgram(layout);
        File.CreateSymbolicLink(Path.Combine(layout.DataDirectory, "base"), "pgmigration");

        Assert.Equal("FolderIsLink", (await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(layout))).ErrorId);
        Assert.False(Directory.Exists(Path.Combine(layout.Folder, "1")));
        Assert.Equal("ours", await File.ReadAllTextAsync(program));
    }

    [Fact]
    public async Task A_link_in_the_place_of_a_file_is_not_written_through()
    {
        await _archive.WriteAsync();
        var layout = _archive.NewDirectory();
        string program = OurProgram(layout);
        File.CreateSymbolicLink(Path.Combine(layout.DataDirectory, "PG_VERSION"), program);

        await Assert.ThrowsAsync<IOException>(() => _archive.LoadAsync(layout));

        Assert.Equal("ours", await File.ReadAllTextAsync(program));
        Assert.False(BackupLoader.IsLoaded(layout));
    }

    [Theory]
    [InlineData("conf.d/ours.conf", "part_000.tar", "part_009.tar")]
    [InlineData("conf.d/ours.conf", "part_009.tar", "part_000.tar")] // the entry comes before the link
    [InlineData("conf.d", "part_009.tar", "part_000.tar")]
    public async Task A_link_and_an_entry_that_would_pass_through_it_are_refused_across_parts(string file, string linkPart, string filePart)
    {
        await _archive.WriteAsync();
        await _archive.WriteLinkAsync(linkPart, "/conf.d", "/etc/postgresql/conf.d", "/base/1/9");
        await _archive.WritePartAsync(filePart, Codec.None, (file, [1]));
        var layout = _archive.NewDirectory();

        var error = await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(layout, options: new LoadOptions { Parallelism = 1 }));

        Assert.Equal("EntryNameHostile", error.ErrorId);
        Assert.Contains("'conf.d'", error.Message, StringComparison.Ordinal);
        Assert.False(BackupLoader.IsLoaded(layout));
    }

    [Fact]
    public async Task Links_of_an_administrator_are_left_out_with_a_warning_also_when_the_load_is_resumed()
    {
        await _archive.WriteAsync();
        await _archive.WriteLinkAsync("part_000.tar", "/conf.d", "conf.d", "/base/1/9");
        await _archive.PutAsync("files_metadata.json", """{"Files": {"/conf.d": {}, "/base/1/9": {}}, "TarFileSets": {"part_000.tar": ["/conf.d", "/base/1/9"]}}"""u8.ToArray());
        var layout = _archive.NewDirectory();
        string label = _archive.PathOf("tar_partitions/pg_control.tar.lz4");
        File.Move(label, label + ".away");
        await _archive.PutAsync("tar_partitions/pg_control.tar", [1]);
        await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(layout)); // all parts are on disk, and the last one is damaged
        File.Delete(_archive.PathOf("tar_partitions/pg_control.tar"));
        File.Move(label + ".away", label);
        var watched = new WatchedWarnings();

        await _archive.LoadAsync(layout, observer: watched);

        _archive.AssertLoaded(layout);
        Assert.False(Path.Exists(Path.Combine(layout.DataDirectory, "conf.d")));
        Assert.Empty(watched.Warnings); // part_000 was not extracted again

        var fresh = _archive.NewDirectory();
        await _archive.LoadAsync(fresh, observer: watched);
        Assert.Contains("/conf.d", Assert.Single(watched.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_in_the_place_of_pg_wal_is_left_out_with_a_warning()
    {
        await _archive.WriteAsync();
        await _archive.WriteLinkAsync("part_000.tar", "/pg_wal", "/mnt/wal", "/base/1/9");
        await _archive.PutAsync("files_metadata.json", """{"Files": {}, "TarFileSets": {"part_000.tar": ["/pg_wal", "/base/1/9"]}}"""u8.ToArray());
        var layout = _archive.NewDirectory();
        var watched = new WatchedWarnings();

        await _archive.LoadAsync(layout, observer: watched);

        _archive.AssertLoaded(layout);
        Assert.Null(new DirectoryInfo(Path.Combine(layout.DataDirectory, "pg_wal")).LinkTarget);
        Assert.Contains("/mnt/wal", Assert.Single(watched.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/base/2/3")]
    [InlineData("base//2/./3")] // the same file by another name
    public async Task A_file_that_comes_twice_is_refused_with_the_part(string name)
    {
        await _archive.WriteAsync();
        await _archive.WritePartAsync("part_009.tar.lz4", Codec.Lz4, (name, Some.Bytes(40_000, seed: 5)));
        var layout = _archive.NewDirectory();

        var error = await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(layout, options: new LoadOptions { Parallelism = 1 }));

        Assert.Equal("EntryTwice", error.ErrorId);
        Assert.Contains("base/2/3", error.Message, StringComparison.Ordinal);
        Assert.Contains("tar_partitions/part_00", error.Message, StringComparison.Ordinal);
        Assert.False(BackupLoader.IsLoaded(layout));
    }

    [Fact]
    public async Task A_file_that_is_said_to_be_larger_than_the_disk_is_refused_before_it_is_made()
    {
        await _archive.WriteAsync();
        byte[] tar = TarParserTests.TarOf(System.Formats.Tar.TarEntryFormat.Ustar, ("/base/1/huge", [1, 2, 3]));
        Sized("/base/1/huge", 1L << 32, "800000000040000000000000").CopyTo(tar, 0); // 2 to the power of 54 bytes
        await _archive.PutAsync("tar_partitions/part_009.tar", tar);
        var layout = _archive.NewDirectory();

        var error = await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(layout));

        Assert.Equal("EntryTooLarge", error.ErrorId);
        Assert.Contains("part_009.tar", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(layout.DataDirectory, "base/1/huge")));
    }

    [Fact]
    public async Task Parts_that_hold_much_more_than_the_sentinel_says_are_stopped()
    {
        await _archive.WriteAsync();
        await using (var bomb = new MemoryStream())
        {
            await using (var encoded = Codec.Lz4.Compress(bomb))
            {
                await encoded.WriteAsync(Sized("/base/1/bomb", 2L << 30));
                for (int i = 0; i < 2048; i++)
                {
                    await encoded.WriteAsync(new byte[1 << 20]);
                }

                await encoded.WriteAsync(new byte[1024]);
            }

            await _archive.PutAsync("tar_partitions/part_009.tar.lz4", bomb.ToArray()); // 8 MB
        }

        var layout = _archive.NewDirectory();

        var error = await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(layout, options: new LoadOptions { StatedSize = 10_000_000, Parallelism = 1 }));

        Assert.Equal("BackupLargerThanStated", error.ErrorId);
        Assert.Contains("part_009.tar.lz4", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(layout.DataDirectory, "base/1/bomb")));
    }

    [Fact]
    public async Task A_control_file_of_another_cluster_is_refused()
    {
        await _archive.WriteAsync();
        var layout = _archive.NewDirectory();

        var error = await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(layout, options: new LoadOptions { SystemIdentifier = 7 }));

        Assert.Equal("BackupForeign", error.ErrorId);
        Assert.False(BackupLoader.IsLoaded(layout));
    }

    /// <summary>The header of a file that is said to be so long: in octal digits, or in the base 256 that is given.</summary>
    private static byte[] Sized(string name, long length, string? base256 = null)
    {
        byte[] header = TarParserTests.TarOf(System.Formats.Tar.TarEntryFormat.Ustar, (name, []))[..512];
        (base256 is null ? System.Text.Encoding.ASCII.GetBytes(Convert.ToString(length, 8).PadLeft(11, '0')) : Convert.FromHexString(base256)).CopyTo(header, 124);
        header.AsSpan(148, 8).Fill((byte)' ');
        System.Text.Encoding.ASCII.GetBytes(Convert.ToString(header.Sum(value => value), 8).PadLeft(6, '0') + "\0 ").CopyTo(header, 148);
        return header;
    }

    private static string OurProgram(RestoreLayout layout)
    {
        string program = Path.Combine(Directory.CreateDirectory(Path.Combine(layout.Folder, "bin")).FullName, "pgmigration-walfetch");
        File.WriteAllText(program, "ours");
        return program;
    }
}
