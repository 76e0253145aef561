using System.Formats.Tar;
using System.Runtime.Versioning;
using System.Text;
using System.Text.Json.Nodes;

namespace PgMigration.Wal.Tests;

/// <summary>Backups as older writers left them.</summary>
[SupportedOSPlatform("linux")]
public sealed class OldBackupTests : IDisposable
{
    private const string WalE = "base_000000010000000000000003_00000040";

    private readonly string _folder = Directory.CreateTempSubdirectory("pgm-old-").FullName;
    private readonly ChainArchive _chain = new();

    public void Dispose()
    {
        _chain.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_backup_of_wal_e_beside_one_of_wal_g_is_restored_with_its_tablespace()
    {
        using var storage = ArchiveStorage.Open(_folder);
        byte[] table = Some.Bytes(300_000);
        string[] entries = ["/", "PG_VERSION", "base/1/PG_VERSION", "global/pg_filenode.map", "global/pg_control", "pg_xact/0000", "base/1/1259", "pg_tblspc/16400/PG_15_202209061/1/16401", "backup_label", "tablespace_map"];
        await storage.WriteAsync($"basebackups_005/{WalE}/tar_partitions/part_00000000.tar", new MemoryStream(TarOf(entries[..6], table)));
        await storage.WriteAsync($"basebackups_005/{WalE}/tar_partitions/part_00000001.tar", new MemoryStream(TarOf(entries[6..], table)));
        await storage.WriteAsync($"basebackups_005/{WalE}/extended_version.txt", new MemoryStream("PostgreSQL 15.18 on x86_64-pc-linux-gnu"u8.ToArray()));
        await storage.WriteAsync($"basebackups_005/{WalE}_backup_stop_sentinel.json", new MemoryStream(Encoding.UTF8.GetBytes($$"""
            {"wal_segment_backup_stop": "000000010000000000000003", "wal_segment_offset_backup_stop": "00000304", "expanded_size_bytes": {{table.Length}},
             "spec": {"base_prefix": "/srv/pg", "tablespaces": ["16400"], "16400": {"loc": "/mnt/fast", "link": "pg_tblspc/16400"} } }
            """)));
        await storage.WriteAsync("basebackups_005/base_000000010000000000000002_backup_stop_sentinel.json", new MemoryStream("""{"LSN": 33554472, "FinishLSN": 33554688, "PgVersion": 150018}"""u8.ToArray()));

        var found = await BackupCatalog.ListAsync(storage);
        Assert.Equal([WalE, "base_000000010000000000000002"], found.Select(backup => backup.Name).OrderDescending(StringComparer.Ordinal));
        var backup = found.Single(one => one.Name == WalE);
        Assert.Equal(new Lsn(0x3000028), backup.StartLsn);
        Assert.Equal(new BackupTablespace(16400, "/mnt/fast"), Assert.Single(backup.Tablespaces));

        var layout = new RestoreLayout(Path.Combine(_folder, "data"));
        Directory.CreateDirectory(layout.Folder);
        string space = Directory.CreateDirectory(Path.Combine(_folder, "space")).FullName;
        var watched = new WatchedWarnings();
        await new BackupLoader(storage, [await BackupContents.ListAsync(storage, WalE, CancellationToken.None)], layout,
            new LoadOptions { Tablespaces = new Dictionary<string, string> { ["16400"] = space }, MajorVersion = 15 }, watched).LoadAsync(CancellationToken.None);

        Some.AssertSame(table, await File.ReadAllBytesAsync(Path.Combine(layout.DataDirectory, "base/1/1259")));
        Some.AssertSame(table, await File.ReadAllBytesAsync(Path.Combine(space, "PG_15_202209061/1/16401")));
        Assert.StartsWith("START WAL", await File.ReadAllTextAsync(Path.Combine(layout.DataDirectory, "backup_label")), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(layout.DataDirectory, "tablespace_map"))); // PostgreSQL would make the link to /mnt/fast again
        Assert.Contains("files_metadata.json", Assert.Single(watched.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lists_within_an_old_sentinel_serve_a_delta_and_prove_it_whole()
    {
        await _chain.WriteAsync(0, [("/base/1/16400", ChainArchive.PagesOf(0, 0, 1, 2))]);
        await _chain.WriteAsync(1, [], [("/base/1/16400", ChainArchive.IncrementOf(1, 3, 1))]);
        for (int backup = 0; backup < 2; backup++)
        {
            string sentinel = _chain.PathOf(ChainArchive.NameOf(backup) + "_backup_stop_sentinel.json");
            string list = _chain.PathOf(ChainArchive.NameOf(backup) + "/files_metadata.json");
            var merged = JsonNode.Parse(await File.ReadAllTextAsync(sentinel))!.AsObject();
            foreach (var (name, value) in JsonNode.Parse(await File.ReadAllTextAsync(list))!.AsObject())
            {
                merged[name] = value!.DeepClone();
            }

            await File.WriteAllTextAsync(sentinel, merged.ToJsonString());
            File.Delete(list);
        }

        var layout = await _chain.LoadAsync(1);

        Some.AssertSame([.. ChainArchive.PageOf(0, 0), .. ChainArchive.PageOf(1, 1), .. ChainArchive.PageOf(0, 2)], await File.ReadAllBytesAsync(layout.DataDirectory + "/base/1/16400"));
        File.Delete(_chain.PathOf(ChainArchive.NameOf(1) + "/tar_partitions/part_001.tar.lz4"));
        Assert.Equal("BackupIncomplete", (await Assert.ThrowsAsync<MigrationException>(() => _chain.LoadAsync(1))).ErrorId);
    }

    [Fact]
    public async Task A_backup_that_says_it_has_no_list_is_restored_with_a_warning()
    {
        await _chain.WriteAsync(0, [("/base/1/16400", ChainArchive.PagesOf(0, 0))], change: sentinel => sentinel["FilesMetadataDisabled"] = true);
        await File.WriteAllTextAsync(_chain.PathOf(ChainArchive.NameOf(0) + "/files_metadata.json"), """{"Files": null, "TarFileSets": null}""");
        var watched = new WatchedWarnings();
        using var storage = _chain.Storage;
        var layout = _chain.NewDirectory();

        await new BackupLoader(storage, await BackupContents.ListAsync(storage, await _chain.ChainAsync(0), CancellationToken.None), layout, new LoadOptions(), watched).LoadAsync(CancellationToken.None);

        Assert.True(BackupLoader.IsLoaded(layout));
        Assert.Contains("cannot be proven", Assert.Single(watched.Warnings), StringComparison.Ordinal);
    }

    private static byte[] TarOf(string[] names, byte[] table)
    {
        using var stream = new MemoryStream();
        using (var writer = new System.Formats.Tar.TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (string name in names)
            {
                writer.WriteEntry(name == "/" ? new PaxTarEntry(TarEntryType.Directory, name) : new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(ContentOf(name)) });
            }
        }

        return stream.ToArray();

        byte[] ContentOf(string name) => Path.GetFileName(name) switch
        {
            "PG_VERSION" => "15\n"u8.ToArray(),
            "backup_label" => "START WAL LOCATION: 0/3000028 (file 000000010000000000000003)\n"u8.ToArray(),
            "tablespace_map" => "16400 /mnt/fast\n"u8.ToArray(),
            "1259" or "16401" => table,
            _ => Some.Bytes(8192),
        };
    }
}
