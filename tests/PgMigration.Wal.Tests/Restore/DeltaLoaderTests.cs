using System.Runtime.Versioning;

namespace PgMigration.Wal.Tests;

/// <summary>Chains of delta backups: whose page ends up where.</summary>
[SupportedOSPlatform("linux")]
public sealed class DeltaLoaderTests : IDisposable
{
    private const string File = "/base/1/16400";

    private readonly ChainArchive _archive = new();

    public void Dispose() => _archive.Dispose();

    [Fact]
    public async Task Each_page_comes_from_the_newest_backup_that_has_it()
    {
        await _archive.WriteAsync(0, [(File, ChainArchive.PagesOf(0, 0, 1, 2, 3, 4, 5))]);
        await _archive.WriteAsync(1, [], [(File, ChainArchive.IncrementOf(1, 6, 1, 2, 5))]);
        await _archive.WriteAsync(2, [], [(File, ChainArchive.IncrementOf(2, 7, 2, 6))]);

        var layout = await _archive.LoadAsync(2);

        AssertFile(layout, [(0, 0), (1, 1), (2, 2), (0, 3), (0, 4), (1, 5), (2, 6)]);
        Assert.StartsWith("START WAL LOCATION: 0/4000028", await System.IO.File.ReadAllTextAsync(Path.Combine(layout.DataDirectory, "backup_label")), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(layout.Folder, "delta")));
    }

    [Fact]
    public async Task A_large_file_gets_its_pages_past_the_page_cache_too()
    {
        int[] all = [.. Enumerable.Range(0, 200)];
        await _archive.WriteAsync(0, [(File, ChainArchive.PagesOf(0, all))]);
        await _archive.WriteAsync(1, [], [(File, ChainArchive.IncrementOf(1, 200, [.. all.Where(block => block % 7 == 3)]))]);

        AssertFile(await _archive.LoadAsync(1), [.. all.Select(block => (block % 7 == 3 ? 1 : 0, block))]);
    }

    [Fact]
    public async Task A_file_that_shrank_has_its_newest_length_and_no_old_page_when_it_grew_again()
    {
        await _archive.WriteAsync(0, [(File, ChainArchive.PagesOf(0, 0, 1, 2, 3, 4, 5)), ("/base/1/16401", ChainArchive.PagesOf(0, 0, 1, 2, 3))]);
        await _archive.WriteAsync(1, [], [(File, ChainArchive.IncrementOf(1, 2, 0)), ("/base/1/16401", ChainArchive.IncrementOf(1, 1))]);
        await _archive.WriteAsync(2, [], [(File, ChainArchive.IncrementOf(2, 4, 2, 3))], ["/base/1/16401"]);

        var layout = await _archive.LoadAsync(2);

        AssertFile(layout, [(1, 0), (0, 1), (2, 2), (2, 3)]);
        AssertFile(layout, [(0, 0)], "/base/1/16401");
    }

    [Fact]
    public async Task A_page_that_an_older_backup_cut_off_is_not_taken_from_one_that_is_older_still()
    {
        await _archive.WriteAsync(0, [(File, ChainArchive.PagesOf(0, 0, 1, 2, 3))]);
        await _archive.WriteAsync(1, [], [(File, ChainArchive.IncrementOf(1, 2, 0))]);
        await _archive.WriteAsync(2, [], [(File, ChainArchive.IncrementOf(2, 4, 3))]); // page 2 is nobody's: the full backup's was cut off since

        var layout = await _archive.LoadAsync(2);

        byte[] expected = [.. ChainArchive.PageOf(1, 0), .. ChainArchive.PageOf(0, 1), .. new byte[ChainArchive.Page], .. ChainArchive.PageOf(2, 3)];
        Some.AssertSame(expected, await System.IO.File.ReadAllBytesAsync(Path.Combine(layout.DataDirectory, "base/1/16400")));
    }

    [Fact]
    public async Task Pages_by_which_a_file_was_extended_without_a_trace_in_the_WAL_are_empty()
    {
        // what WALG_USE_WAL_DELTA makes of a table that PostgreSQL has extended by pages which nobody has written yet
        const string Large = "/base/1/16401";
        int[] all = [.. Enumerable.Range(0, 40)];
        await _archive.WriteAsync(0, [(File, ChainArchive.PagesOf(0, 0, 1)), (Large, ChainArchive.PagesOf(0, all))]);
        await _archive.WriteAsync(1, [], [(File, ChainArchive.IncrementOf(1, 4, 2)), (Large, ChainArchive.IncrementOf(1, 60, [.. all]))]);

        var layout = await _archive.LoadAsync(1);

        byte[] expected = [.. ChainArchive.PagesOf(0, 0, 1), .. ChainArchive.PageOf(1, 2), .. new byte[ChainArchive.Page]];
        Some.AssertSame(expected, await System.IO.File.ReadAllBytesAsync(Path.Combine(layout.DataDirectory, "base/1/16400")));
        byte[] large = [.. ChainArchive.PagesOf(1, all), .. new byte[20 * ChainArchive.Page]];
        Some.AssertSame(large, await System.IO.File.ReadAllBytesAsync(Path.Combine(layout.DataDirectory, "base/1/16401")));
    }

    [Fact]
    public async Task Folders_that_a_delta_lists_among_its_files_are_folders_and_not_missed()
    {
        await _archive.WriteAsync(0, [(File, ChainArchive.PagesOf(0, 0)), ("/pg_stat/", []), ("/pg_wal/", []), ("/base/9/", [])]);
        await _archive.WriteAsync(1, [("/pg_stat/", []), ("/pg_wal/", [])], null, [File]);

        var layout = await _archive.LoadAsync(1);

        AssertFile(layout, [(0, 0)]);
        Assert.True(Directory.Exists(Path.Combine(layout.DataDirectory, "pg_stat")));
        Assert.False(Directory.Exists(Path.Combine(layout.DataDirectory, "base/9")));
    }

    [Fact]
    public async Task Skipped_files_come_from_below_and_vanished_ones_do_not_come_back()
    {
        await _archive.WriteAsync(0, [(File, ChainArchive.PagesOf(0, 0)), ("/base/1/16402", ChainArchive.PagesOf(0, 1)), ("/base/9/1", ChainArchive.PagesOf(0, 2))]);
        await _archive.WriteAsync(1, [("/base/1/16403", ChainArchive.PagesOf(1, 3))], null, [File, "/base/1/16402"]);
        await _archive.WriteAsync(2, [("/base/1/16402", ChainArchive.PagesOf(2, 4))], null, [File]);

        var layout = await _archive.LoadAsync(2);

        AssertFile(layout, [(0, 0)]);
        AssertFile(layout, [(2, 4)], "/base/1/16402");
        Assert.False(Path.Exists(Path.Combine(layout.DataDirectory, "base/1/16403")));
        Assert.False(Path.Exists(Path.Combine(layout.DataDirectory, "base/9")));
    }

    [Fact]
    public async Task A_load_that_is_cut_off_anywhere_goes_on_and_ends_with_the_same_bytes()
    {
        int[] all = [.. Enumerable.Range(0, 40)];
        await _archive.WriteAsync(0, [(File, ChainArchive.PagesOf(0, all)), ("/base/1/2", ChainArchive.PagesOf(0, all)), ("/base/1/3", ChainArchive.PagesOf(0, 1))]);
        await _archive.WriteAsync(1, [], [(File, ChainArchive.IncrementOf(1, 40, [.. all.Where(block => block % 2 == 0)])), ("/base/1/2", ChainArchive.IncrementOf(1, 40, 7, 8))], ["/base/1/3"]);
        await _archive.WriteAsync(2, [], [(File, ChainArchive.IncrementOf(2, 40, 0, 1, 2, 3))], ["/base/1/2", "/base/1/3"]);
        var whole = await _archive.LoadAsync(2);

        for (long allowed = 1000; allowed < 900_000; allowed += 60_000)
        {
            var layout = _archive.NewDirectory();
            using var storage = _archive.Storage;
            using var cut = new InterruptedStorage(storage, allowed);
            var stopped = await Record.ExceptionAsync(() => _archive.LoadAsync(2, layout, cut));
            Assert.True(stopped is OperationCanceledException or null, stopped?.ToString());
            string[] done = System.IO.File.Exists(layout.PartsFile) ? await System.IO.File.ReadAllLinesAsync(layout.PartsFile) : [];
            using var rest = new InterruptedStorage(storage, long.MaxValue);

            await _archive.LoadAsync(2, layout, rest);

            foreach (string file in (string[])["base/1/16400", "base/1/2", "base/1/3", "pg_xact/0000"])
            {
                Some.AssertSame(await System.IO.File.ReadAllBytesAsync(Path.Combine(whole.DataDirectory, file)), await System.IO.File.ReadAllBytesAsync(Path.Combine(layout.DataDirectory, file)));
            }

            Assert.True(done.Length == 0 || rest.Opened.Count(name => name.StartsWith("part_", StringComparison.Ordinal)) <= 13 - done.Length);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_part_that_is_gone_from_any_backup_of_the_chain_is_noticed(int backup)
    {
        await _archive.WriteAsync(0, [(File, ChainArchive.PagesOf(0, 0, 1, 2))]);
        await _archive.WriteAsync(1, [], [(File, ChainArchive.IncrementOf(1, 3, 1))]);
        await _archive.WriteAsync(2, [], [(File, ChainArchive.IncrementOf(2, 3, 2))]);
        System.IO.File.Delete(_archive.PathOf(ChainArchive.NameOf(backup) + "/tar_partitions/part_001.tar.lz4"));

        var error = await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(2));

        Assert.Equal("BackupIncomplete", error.ErrorId);
        Assert.Contains(ChainArchive.NameOf(backup), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_increment_that_is_listed_and_in_no_part_is_noticed()
    {
        await _archive.WriteAsync(0, [(File, ChainArchive.PagesOf(0, 0, 1, 2))]);
        await _archive.WriteAsync(1, [], [("/base/1/16401", ChainArchive.IncrementOf(1, 1, 0))], [File]);
        string list = _archive.PathOf(ChainArchive.NameOf(1) + "/files_metadata.json");
        string text = await System.IO.File.ReadAllTextAsync(list);
        var json = System.Text.Json.Nodes.JsonNode.Parse(text)!;
        json["Files"]![File]!["IsSkipped"] = false;
        json["Files"]![File]!["IsIncremented"] = true; // the full backup has the file, so nothing is missing on disk
        await System.IO.File.WriteAllTextAsync(list, json.ToJsonString());

        var error = await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(1));

        Assert.Equal("BackupIncomplete", error.ErrorId);
        Assert.Contains(ChainArchive.NameOf(1), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_skipped_file_that_no_backup_of_the_chain_holds_is_named()
    {
        await _archive.WriteAsync(0, [(File, ChainArchive.PagesOf(0, 0))]);
        await _archive.WriteAsync(1, [], null, [File, "/base/1/16499"]);

        var error = await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(1));

        Assert.Equal("BackupIncomplete", error.ErrorId);
        Assert.Contains("/base/1/16499", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_base_that_was_deleted_is_an_error_that_names_it()
    {
        await _archive.WriteAsync(0, [(File, ChainArchive.PagesOf(0, 0))]);
        await _archive.WriteAsync(1, [], null, [File]);
        System.IO.File.Delete(_archive.PathOf(ChainArchive.NameOf(0) + "_backup_stop_sentinel.json"));

        var error = await Assert.ThrowsAsync<MigrationException>(() => _archive.ChainAsync(1));

        Assert.Equal("BackupBaseMissing", error.ErrorId);
        Assert.Contains(ChainArchive.NameOf(0), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_base_of_another_cluster_or_another_start_is_refused()
    {
        await _archive.WriteAsync(0, [(File, ChainArchive.PagesOf(0, 0))]);
        await _archive.WriteAsync(1, [], null, [File], sentinel => sentinel["SystemIdentifier"] = 7000000000000000002);
        await _archive.WriteAsync(2, [], null, [File], sentinel => sentinel["DeltaLSN"] = 99);

        Assert.Equal("BackupBaseWrong", (await Assert.ThrowsAsync<MigrationException>(() => _archive.ChainAsync(1))).ErrorId);
        Assert.Equal("BackupBaseWrong", (await Assert.ThrowsAsync<MigrationException>(() => _archive.ChainAsync(2))).ErrorId);
    }

    [Fact]
    public async Task A_chain_that_bites_its_tail_is_refused()
    {
        await _archive.WriteAsync(1, [], null, [File], sentinel => sentinel["DeltaFrom"] = ChainArchive.NameOf(1));

        Assert.Equal("BackupBaseWrong", (await Assert.ThrowsAsync<MigrationException>(() => _archive.ChainAsync(1))).ErrorId);
    }

    [Theory]
    [InlineData(2 * ChainArchive.Page, 2)] // a page behind the end
    [InlineData(ChainArchive.Page + 1, 0)] // no whole number of pages
    [InlineData(1L << 60, 0)] // absurd
    public async Task An_increment_that_names_what_the_file_cannot_have_is_refused_with_its_part(long length, int block)
    {
        await _archive.WriteAsync(0, [(File, ChainArchive.PagesOf(0, 0, 1))]);
        await _archive.WriteAsync(1, [], [(File, ChainArchive.Wrap(length, [block], ChainArchive.PageOf(1, 0)))]);

        var error = await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(1));

        Assert.Equal("PartDamaged", error.ErrorId);
        Assert.Contains("part_001.tar.lz4", error.Message, StringComparison.Ordinal);
        Assert.Contains(File, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_increment_that_is_cut_is_refused()
    {
        await _archive.WriteAsync(0, [(File, ChainArchive.PagesOf(0, 0, 1))]);
        await _archive.WriteAsync(1, [], [(File, ChainArchive.IncrementOf(1, 2, 0, 1)[..^100])]);

        Assert.Equal("PartDamaged", (await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(1))).ErrorId);
    }

    [Fact]
    public async Task A_delta_without_its_list_is_refused()
    {
        await _archive.WriteAsync(0, [(File, ChainArchive.PagesOf(0, 0))]);
        await _archive.WriteAsync(1, [], [(File, ChainArchive.IncrementOf(1, 1, 0))]);
        System.IO.File.Delete(_archive.PathOf(ChainArchive.NameOf(1) + "/files_metadata.json"));

        Assert.Equal("BackupListMissing", (await Assert.ThrowsAsync<MigrationException>(() => _archive.LoadAsync(1))).ErrorId);
    }

    private static void AssertFile(RestoreLayout layout, (int Backup, int Block)[] pages, string file = File) =>
        Some.AssertSame([.. pages.SelectMany(page => ChainArchive.PageOf(page.Backup, page.Block))], System.IO.File.ReadAllBytes(layout.DataDirectory + file));
}
