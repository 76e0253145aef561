using System.Formats.Tar;

namespace PgMigration.Wal;

/// <summary>Objects that WAL-G itself wrote; Walg/README.md says how.</summary>
public sealed class WalgObjectTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pgm-walg-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("lz4", "lz4 -dc")]
    [InlineData("lzma", "lzma -dc")]
    public async Task Every_object_decodes_to_what_the_tool_decodes(string codec, string tool)
    {
        string[] files = Directory.GetFiles(Archive(codec), "*." + codec, SearchOption.AllDirectories);
        var objects = await Task.WhenAll(files.Select(async file => new MadeStream(Path.GetFileName(file), await File.ReadAllBytesAsync(file))));

        Assert.Equal(4, objects.Length);
        await ReferenceTool.AssertAgreesAsync(Codec.ByExtension(codec)!, tool, objects);
        if (codec == "lzma")
        {
            Assert.All(objects, stored => Some.AssertSame(Decode(Codec.Lzma.Decompress(new MemoryStream(stored.Bytes))), Decode(LzmaCodec.DecompressManaged(new MemoryStream(stored.Bytes)))));
        }
    }

    [Theory]
    [InlineData("lz4", 7713793715373976054, "000000010000000000000006")]
    [InlineData("lzma", 7713793627505419861, "000000010000000000000005")]
    public async Task The_backup_its_last_parts_and_a_segment_are_read(string codec, ulong cluster, string segment)
    {
        using var storage = ArchiveStorage.Open(Archive(codec));

        var backup = Assert.Single(await BackupCatalog.ListAsync(storage));
        Assert.Equal(("base_000000010000000000000003", cluster, 150018), (backup.Name, backup.SystemIdentifier!.Value, backup.PgVersion));
        Assert.Equal(["backup_label", "tablespace_map"], await EntriesAsync(storage, backup, "part_003.tar." + codec));
        Assert.Equal(["/global/pg_control"], await EntriesAsync(storage, backup, "pg_control.tar." + codec));

        string path = Path.Combine(_folder, segment);
        Assert.True(await new SegmentStore(storage, new SegmentCheck(cluster, WalSegmentName.DefaultSize, 15)).FetchAsync(segment, path));
        new WalRecordCheck().Append(await File.ReadAllBytesAsync(path));
    }

    private static string Archive(string codec) => Path.Combine(AppContext.BaseDirectory, "Walg", codec);

    private static byte[] Decode(Stream decoded) => Some.AllAsync(decoded).GetAwaiter().GetResult();

    private static async Task<List<string>> EntriesAsync(IArchiveStorage storage, WalBackup backup, string part)
    {
        await using var decoded = await storage.OpenDecodedAsync($"basebackups_005/{backup.Name}/tar_partitions/{part}");
        await using var tar = new TarReader(decoded);
        var names = new List<string>();
        while (await tar.GetNextEntryAsync() is { } entry)
        {
            names.Add(entry.Name);
        }

        return names;
    }
}
