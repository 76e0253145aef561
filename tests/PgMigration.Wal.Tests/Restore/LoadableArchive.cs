using System.Formats.Tar;
using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;

namespace PgMigration.Wal.Tests;

/// <summary>A folder with a small base backup in WAL-G's layout, and data directories to load it into. Linux only, as the loader is.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LoadableArchive : IDisposable
{
    public const string BackupName = "base_000000010000000000000002";

    private const string Prefix = "basebackups_005/" + BackupName;

    private readonly string _folder = Directory.CreateTempSubdirectory("pgm-load-").FullName;
    private int _directories;

    /// <summary>The files of the data directory, by their path in it.</summary>
    public Dictionary<string, byte[]> Files { get; } = [];

    public IArchiveStorage Storage => ArchiveStorage.Open(Path.Combine(_folder, "archive"));

    public RestoreLayout NewDirectory()
    {
        var layout = new RestoreLayout(Path.Combine(_folder, $"data{++_directories}"));
        Directory.CreateDirectory(layout.Folder);
        return layout;
    }

    /// <summary>Writes eight parts, a control part and the list of files.</summary>
    public async Task WriteAsync(ICodec? codec = null)
    {
        codec ??= Codec.Lz4;
        var sets = new Dictionary<string, string[]>();
        for (int part = 1; part <= 6; part++)
        {
            var files = Enumerable.Range(1, 5).Select(i => (Name: $"/base/{part}/{i}", Content: Some.Bytes((i * 40_000) + part, seed: (part * 10) + i))).ToArray();
            await WritePartAsync(codec.NameFor($"part_{part:000}.tar"), codec, files);
            sets[codec.NameFor($"part_{part:000}.tar")] = [.. files.Select(file => file.Name)];
        }

        (string, byte[])[] everyCluster = [("/PG_VERSION", "15\n"u8.ToArray()), ("/global/pg_filenode.map", Some.Bytes(512)), ("/base/1/PG_VERSION", "15\n"u8.ToArray()), ("/pg_xact/0000", Some.Bytes(8192))];
        await WritePartAsync(codec.NameFor("part_007.tar"), codec, everyCluster);
        sets[codec.NameFor("part_007.tar")] = [.. everyCluster.Select(file => file.Item1)];
        await WritePartAsync(codec.NameFor("part_008.tar"), codec, ("backup_label", Encoding.ASCII.GetBytes("START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\n")));
        await WritePartAsync(codec.NameFor("pg_control.tar"), codec, ("/global/pg_control", Some.Bytes(8192, seed: 99)));
        sets[codec.NameFor("pg_control.tar")] = ["/global/pg_control"];
        await PutAsync("files_metadata.json", JsonSerializer.SerializeToUtf8Bytes(new { Files = new Dictionary<string, object>(), TarFileSets = sets }));
    }

    /// <summary>Writes a part with a symbolic link and then a file.</summary>
    public async Task WriteLinkAsync(string part, string link, string target, string file)
    {
        using var tar = new MemoryStream();
        await using (var writer = new System.Formats.Tar.TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true))
        {
            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, link) { LinkName = target });
            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, file) { DataStream = new MemoryStream("restore_command = 'hostile'"u8.ToArray()) });
        }

        await PutAsync($"tar_partitions/{part}", tar.ToArray());
    }

    public async Task WritePartAsync(string name, ICodec codec, params (string Name, byte[] Content)[] files)
    {
        foreach (var (file, content) in files)
        {
            Files[file.TrimStart('/')] = content;
        }

        using var stored = new MemoryStream();
        await using (var encoded = codec.Compress(stored))
        {
            await encoded.WriteAsync(TarParserTests.TarOf(TarEntryFormat.Pax, files));
        }

        await PutAsync($"tar_partitions/{name}", stored.ToArray());
    }

    public async Task PutAsync(string name, byte[] content)
    {
        using var storage = Storage;
        await storage.WriteAsync($"{Prefix}/{name}", new MemoryStream(content));
    }

    public string PathOf(string name) => Path.Combine(_folder, "archive", Prefix, name);

    public async Task LoadAsync(RestoreLayout layout, IArchiveStorage? storage = null, LoadOptions? options = null, IMigrationObserver? observer = null, CancellationToken cancel = default)
    {
        using var own = Storage;
        var contents = await BackupContents.ListAsync(own, BackupName, cancel);
        await new BackupLoader(storage ?? own, [contents], layout, options ?? new LoadOptions { Parallelism = 2 }, observer ?? IMigrationObserver.None).LoadAsync(cancel);
    }

    /// <summary>Asserts that a data directory holds every file of the backup, byte for byte, and can be started.</summary>
    public void AssertLoaded(RestoreLayout layout)
    {
        Assert.True(BackupLoader.IsLoaded(layout));
        foreach (var (name, content) in Files)
        {
            Some.AssertSame(content, File.ReadAllBytes(Path.Combine(layout.DataDirectory, name)));
        }

        Assert.All(EntryPlacement.EmptyFolders, folder => Assert.True(Directory.Exists(Path.Combine(layout.DataDirectory, folder))));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
