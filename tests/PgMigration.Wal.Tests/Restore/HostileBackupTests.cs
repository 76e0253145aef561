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

    [Fact]
    public async Task A_link_in_the_place_of_pg_wal_is_left_out_with_a_warning()
    {
        await _archive.WriteAsync();
        await _archive.WriteLinkAsync("part_000.tar", "/pg_wal", "/mnt/wal", "/base/1/9");
        var layout = _archive.NewDirectory();
        var watched = new WatchedWarnings();

        await _archive.LoadAsync(layout, observer: watched);

        _archive.AssertLoaded(layout);
        Assert.Null(new DirectoryInfo(Path.Combine(layout.DataDirectory, "pg_wal")).LinkTarget);
        Assert.Contains("/mnt/wal", Assert.Single(watched.Warnings), StringComparison.Ordinal);
    }

    private static string OurProgram(RestoreLayout layout)
    {
        string program = Path.Combine(Directory.CreateDirectory(Path.Combine(layout.Folder, "bin")).FullName, "pgmigration-walfetch");
        File.WriteAllText(program, "ours");
        return program;
    }
}
