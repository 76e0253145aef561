using System.Runtime.Versioning;

namespace PgMigration.Wal.Tests;

/// <summary>Backups without a list of their files, of which a part is gone: nothing else would notice.</summary>
[SupportedOSPlatform("linux")]
public sealed class IncompleteBackupTests : IDisposable
{
    private readonly LoadableArchive _archive = new();

    public void Dispose() => _archive.Dispose();

    [Theory]
    [InlineData("/PG_VERSION", "PG_VERSION")]
    [InlineData("/global/pg_filenode.map", "global/pg_filenode.map")]
    [InlineData("/base/1/PG_VERSION", "base/1/PG_VERSION")]
    [InlineData("/pg_xact/0000", "pg_xact")]
    public async Task What_every_cluster_has_is_missed_when_its_part_is_gone(string gone, string named)
    {
        await WriteWithoutListAsync();
        await _archive.WritePartAsync("part_007.tar.lz4", Codec.Lz4,
            [.. new[] { "/PG_VERSION", "/global/pg_filenode.map", "/base/1/PG_VERSION", "/pg_xact/0000" }.Where(name => name != gone).Select(name => (name, "15\n"u8.ToArray()))]);
        var layout = _archive.NewDirectory();

        var error = await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(layout));

        Assert.Equal("BackupIncomplete", error.ErrorId);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.False(BackupLoader.IsLoaded(layout));
    }

    [Theory]
    [InlineData("/base/1/1", null)]
    [InlineData("/base/1/77", "/base/1/77")]
    public async Task A_file_that_was_dropped_while_it_was_backed_up_is_in_the_sets_alone_and_not_missed(string listed, string? missed)
    {
        await _archive.WriteAsync();
        await _archive.PutAsync("files_metadata.json", System.Text.Encoding.UTF8.GetBytes(
            $$"""{"Files": {"{{listed}}": {"IsIncremented": false, "IsSkipped": false} }, "TarFileSets": {"part_001.tar.lz4": ["/base/1/1", "/base/1/77"] } }"""));
        var layout = _archive.NewDirectory();

        var error = await Record.ExceptionAsync(() => _archive.LoadAsync(layout));

        Assert.Equal(missed is null, error is null);
        Assert.Contains(missed ?? string.Empty, (error as MigrationException)?.Message ?? string.Empty, StringComparison.Ordinal);
        Assert.Equal(missed is null, BackupLoader.IsLoaded(layout));
    }

    [Fact]
    public async Task A_tablespace_whose_part_is_gone_is_missed_by_its_number()
    {
        await WriteWithoutListAsync();
        var layout = _archive.NewDirectory();
        var options = new LoadOptions { Tablespaces = new Dictionary<string, string> { ["16400"] = Directory.CreateDirectory(layout.DataDirectory + "-tablespace").FullName } };

        var error = await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(layout, options: options));

        Assert.Equal("BackupIncomplete", error.ErrorId);
        Assert.Contains("pg_tblspc/16400", error.Message, StringComparison.Ordinal);
        Assert.False(BackupLoader.IsLoaded(layout));
    }

    [Fact]
    public async Task A_cluster_of_another_version_than_its_wal_is_refused()
    {
        await WriteWithoutListAsync();
        var layout = _archive.NewDirectory();

        var error = await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(layout, options: new LoadOptions { MajorVersion = 16 }));

        Assert.Equal("BackupVersionWrong", error.ErrorId);
        Assert.False(BackupLoader.IsLoaded(layout));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public async Task A_backup_without_a_list_is_a_warning_and_one_that_is_much_smaller_than_recorded_is_said_to_be(int times, bool suspicious)
    {
        await WriteWithoutListAsync();
        var layout = _archive.NewDirectory();
        var watched = new WatchedWarnings();
        var options = new LoadOptions { MajorVersion = 15, UncompressedSize = times * _archive.Files.Values.Sum(file => (long)file.Length) };

        await _archive.LoadAsync(layout, options: options, observer: watched);

        string warning = Assert.Single(watched.Warnings);
        Assert.Contains("files_metadata.json", warning, StringComparison.Ordinal);
        Assert.Equal(suspicious, warning.Contains("Do not use this server", StringComparison.Ordinal));
    }

    private async Task WriteWithoutListAsync()
    {
        await _archive.WriteAsync();
        File.Delete(_archive.PathOf("files_metadata.json"));
    }
}
