using System.Formats.Tar;
using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PgMigration.Wal.Tests;

/// <summary>A folder with a full backup and deltas on it, of files that the test names page by page.</summary>
[SupportedOSPlatform("linux")]
internal sealed class ChainArchive : IDisposable
{
    public const int Page = 8192;

    private readonly string _folder = Directory.CreateTempSubdirectory("pgm-chain-").FullName;
    private int _directories;

    public IArchiveStorage Storage => ArchiveStorage.Open(Path.Combine(_folder, "archive"));

    /// <summary>The name of a backup: 0 is the full one.</summary>
    public static string NameOf(int backup) => backup == 0 ? "base_000000010000000000000002" : FormattableString.Invariant($"base_00000001000000000000000{2 + backup}_D_00000001000000000000000{1 + backup}");

    /// <summary>A page that tells who wrote it.</summary>
    public static byte[] PageOf(int backup, int block) => Some.Bytes(Page, seed: (backup * 1000) + block + 1);

    /// <summary>Pages that one backup wrote, one after the other.</summary>
    public static byte[] PagesOf(int backup, params int[] blocks) => [.. blocks.SelectMany(block => PageOf(backup, block))];

    /// <summary>An increment by one backup.</summary>
    public static byte[] IncrementOf(int backup, int pages, params int[] blocks) => Wrap(pages * Page, blocks, PagesOf(backup, blocks));

    /// <summary>An increment whose head says what the test wants.</summary>
    public static byte[] Wrap(long length, int[] blocks, byte[] pages)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write("wi1\x55"u8);
        writer.Write(length);
        writer.Write(blocks.Length);
        Array.ForEach(blocks, writer.Write);
        writer.Write(pages);
        return stream.ToArray();
    }

    /// <summary>Writes one backup, each of its files in a part of its own, beside what every cluster has.</summary>
    /// <param name="backup">Its number.</param>
    /// <param name="whole">Files that it holds whole; names that end with a slash are folders.</param>
    /// <param name="incremented">Increments.</param>
    /// <param name="skipped">Files that it lists without holding them.</param>
    /// <param name="change">Changes its sentinel.</param>
    public async Task WriteAsync(int backup, (string Name, byte[] Content)[] whole, (string Name, byte[] Content)[]? incremented = null, string[]? skipped = null, Action<JsonObject>? change = null)
    {
        using var storage = Storage;
        string name = NameOf(backup);
        (string Name, byte[] Content)[] everyCluster =
            [("/PG_VERSION", "15\n"u8.ToArray()), ("/global/pg_filenode.map", Some.Bytes(512)), ("/base/1/PG_VERSION", "15\n"u8.ToArray()), ("/pg_xact/0000", Some.Bytes(Page, seed: 7000 + backup))];
        var files = new JsonObject();
        var sets = new JsonObject();
        int part = 0;
        foreach (var group in whole.Select(file => (File: file, IsIncremented: false)).Concat((incremented ?? []).Select(file => (File: file, IsIncremented: true))).Chunk(1)
            .Append([.. everyCluster.Select(file => (File: file, IsIncremented: false))]))
        {
            string partName = FormattableString.Invariant($"part_{++part:000}.tar.lz4");
            sets[partName] = new JsonArray([.. group.Select(member => (JsonNode)member.File.Name.TrimEnd('/'))]);
            foreach (var (file, isIncremented) in group)
            {
                files[file.Name.TrimEnd('/')] = Entry(isIncremented, isSkipped: false);
            }

            await PutAsync(storage, $"basebackups_005/{name}/tar_partitions/{partName}", [.. group.Select(member => member.File)]);
        }

        foreach (string file in skipped ?? [])
        {
            files[file] = Entry(isIncremented: false, isSkipped: true);
        }

        await PutAsync(storage, $"basebackups_005/{name}/tar_partitions/part_099.tar.lz4", ("backup_label", Encoding.ASCII.GetBytes(FormattableString.Invariant($"START WAL LOCATION: 0/{2 + backup}000028\n"))));
        await PutAsync(storage, $"basebackups_005/{name}/tar_partitions/pg_control.tar.lz4", ("/global/pg_control", Some.Bytes(Page, seed: 8000 + backup)));
        await PutTextAsync(storage, $"basebackups_005/{name}/files_metadata.json", new JsonObject { ["Files"] = files, ["TarFileSets"] = sets });
        var sentinel = new JsonObject { ["LSN"] = ((2 + backup) << 24) + 0x28, ["FinishLSN"] = ((2 + backup) << 24) + 0x100, ["PgVersion"] = 150018, ["SystemIdentifier"] = 7000000000000000001 };
        if (backup > 0)
        {
            (sentinel["DeltaLSN"], sentinel["DeltaFrom"], sentinel["DeltaFullName"], sentinel["DeltaCount"]) = (((1 + backup) << 24) + 0x28, NameOf(backup - 1), NameOf(0), backup);
        }

        change?.Invoke(sentinel);
        await PutTextAsync(storage, $"basebackups_005/{name}_backup_stop_sentinel.json", sentinel);
    }

    public async Task<IReadOnlyList<WalBackup>> ChainAsync(int newest)
    {
        using var storage = Storage;
        return await BackupChain.FindAsync(storage, await BackupCatalog.FindAsync(storage, NameOf(newest)));
    }

    public RestoreLayout NewDirectory()
    {
        var layout = new RestoreLayout(Path.Combine(_folder, FormattableString.Invariant($"data{++_directories}")));
        Directory.CreateDirectory(layout.Folder);
        return layout;
    }

    public async Task<RestoreLayout> LoadAsync(int newest, RestoreLayout? into = null, IArchiveStorage? storage = null)
    {
        var layout = into ?? NewDirectory();
        using var own = Storage;
        var contents = await BackupContents.ListAsync(own, await ChainAsync(newest), CancellationToken.None);
        await new BackupLoader(storage ?? own, contents, layout, new LoadOptions { Parallelism = 2 }, IMigrationObserver.None).LoadAsync(CancellationToken.None);
        return layout;
    }

    public string PathOf(string name) => Path.Combine(_folder, "archive", "basebackups_005", name);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static JsonObject Entry(bool isIncremented, bool isSkipped) =>
        new() { ["IsIncremented"] = isIncremented, ["IsSkipped"] = isSkipped, ["MTime"] = "2026-01-02T03:04:05Z", ["CorruptBlocks"] = null, ["UpdatesCount"] = 0 };

    private static async Task PutAsync(IArchiveStorage storage, string name, params (string Name, byte[] Content)[] files)
    {
        using var stored = new MemoryStream();
        await using (var encoded = Codec.Lz4.Compress(stored))
        {
            await encoded.WriteAsync(TarParserTests.TarOf(TarEntryFormat.Pax, files));
        }

        stored.Position = 0;
        await storage.WriteAsync(name, stored);
    }

    private static Task PutTextAsync(IArchiveStorage storage, string name, JsonObject json) => storage.WriteAsync(name, new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(json)));
}
