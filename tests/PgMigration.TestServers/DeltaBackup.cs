using System.Buffers.Binary;
using System.Formats.Tar;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PgMigration.Wal;
using TarEntry = System.Formats.Tar.TarEntry;

namespace PgMigration;

/// <summary>Makes a delta backup of a full one, as WAL-G would have taken it in its place: what did not change since another backup is left out.</summary>
/// <remarks>
/// With System.Formats.Tar rather than with our own parser, so that the two are compared. Pages are chosen as WAL-G chooses them: those
/// whose LSN is at or after the other backup's start, and those that were never initialized; a file with its old time is skipped.
/// </remarks>
public static partial class DeltaBackup
{
    private const int PageSize = 8192;
    private const string Folder = "basebackups_005";

    /// <summary>What a delta holds.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Whole">Files that it holds whole.</param>
    /// <param name="Incremented">Files of which it holds pages.</param>
    /// <param name="Skipped">Files that did not change.</param>
    public sealed record Contents(string Name, IReadOnlyList<string> Whole, IReadOnlyList<string> Incremented, IReadOnlyList<string> Skipped);

    /// <summary>Replaces a full backup by a delta.</summary>
    /// <param name="archive">The archive's folder.</param>
    /// <param name="below">The backup that it builds on, full or a delta itself.</param>
    /// <param name="full">The full one, which is removed.</param>
    public static async Task<Contents> MakeAsync(string archive, WalBackup below, WalBackup full)
    {
        string name = $"base_{full.StartSegment}_D_{below.StartSegment}";
        var known = await FilesOfAsync(archive, below.Name);
        var modified = await FilesOfAsync(archive, full.Name);
        var (whole, incremented, skipped) = (new List<string>(), new List<string>(), new List<string>());
        var files = new JsonObject();
        var sets = new JsonObject();
        long size = 0;
        string parts = Path.Combine(archive, Folder, full.Name, "tar_partitions");
        string target = Directory.CreateDirectory(Path.Combine(archive, Folder, name, "tar_partitions")).FullName;
        foreach (string part in Directory.GetFiles(parts).Order(StringComparer.Ordinal))
        {
            var codec = Codec.ForName(part);
            var inSet = new JsonArray();
            await using (var read = File.OpenRead(part))
            await using (var reader = new TarReader(codec.Decompress(read)))
            await using (var stored = File.Create(Path.Combine(target, Path.GetFileName(part))))
            await using (var encoded = codec.Compress(stored))
            await using (var writer = new TarWriter(encoded, TarEntryFormat.Pax))
            {
                while (await reader.GetNextEntryAsync() is { } entry)
                {
                    bool isFile = entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile;
                    byte[] content = isFile ? await ReadAsync(entry) : [];
                    bool isSkipped = isFile && known.TryGetValue(entry.Name, out string? before) && before == modified.GetValueOrDefault(entry.Name) && IsRelation().IsMatch(entry.Name);
                    bool isIncremented = isFile && !isSkipped && known.ContainsKey(entry.Name) && IsRelation().IsMatch(entry.Name) && content.Length % PageSize == 0;
                    if (isFile)
                    {
                        (isSkipped ? skipped : isIncremented ? incremented : whole).Add(entry.Name);
                        files[entry.Name] = new JsonObject
                        {
                            ["IsIncremented"] = isIncremented, ["IsSkipped"] = isSkipped, ["MTime"] = modified.GetValueOrDefault(entry.Name), ["CorruptBlocks"] = null, ["UpdatesCount"] = 0,
                        };
                    }

                    if (!isSkipped)
                    {
                        byte[] kept = isIncremented ? Increment(content, below.StartLsn!.Value.Position) : content;
                        size += kept.Length;
                        var written = new PaxTarEntry(isFile ? TarEntryType.RegularFile : TarEntryType.Directory, entry.Name) { Mode = entry.Mode };
                        if (isFile)
                        {
                            written.DataStream = new MemoryStream(kept);
                        }

                        await writer.WriteEntryAsync(written);
                        inSet.Add(entry.Name);
                    }
                }
            }

            if (inSet.Count == 0)
            {
                File.Delete(Path.Combine(target, Path.GetFileName(part))); // all of it is as it was
                continue;
            }

            sets[Path.GetFileName(part)] = inSet;
        }

        await File.WriteAllTextAsync(Path.Combine(archive, Folder, name, "files_metadata.json"), new JsonObject { ["Files"] = files, ["TarFileSets"] = sets, ["DatabasesByNames"] = new JsonObject() }.ToJsonString());
        await WriteSentinelAsync(archive, name, below, full, size);
        Directory.Delete(Path.Combine(archive, Folder, full.Name), recursive: true);
        return new Contents(name, whole, incremented, skipped);
    }

    /// <summary>The increment of a file: the pages that changed since a position.</summary>
    public static byte[] Increment(ReadOnlySpan<byte> content, ulong since)
    {
        var blocks = new List<uint>();
        for (uint block = 0; block < content.Length / PageSize; block++)
        {
            var page = content.Slice((int)block * PageSize, PageSize);
            ulong lsn = ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(page) << 32) | BinaryPrimitives.ReadUInt32LittleEndian(page[4..]);
            bool isNew = BinaryPrimitives.ReadUInt16LittleEndian(page[14..]) == 0; // pd_upper
            if (lsn >= since || isNew)
            {
                blocks.Add(block);
            }
        }

        byte[] increment = IncrementOf(content.Length, blocks, []);
        int at = 16 + (4 * blocks.Count);
        foreach (uint block in blocks)
        {
            content.Slice((int)block * PageSize, PageSize).CopyTo(increment.AsSpan(at));
            at += PageSize;
        }

        return increment;
    }

    /// <summary>An increment with these page numbers and with room for the pages, or with the pages that are given.</summary>
    public static byte[] IncrementOf(long length, IReadOnlyList<uint> blocks, ReadOnlySpan<byte> pages)
    {
        byte[] increment = new byte[16 + (blocks.Count * (4 + PageSize))];
        "wi1\x55"u8.CopyTo(increment);
        BinaryPrimitives.WriteInt64LittleEndian(increment.AsSpan(4), length);
        BinaryPrimitives.WriteInt32LittleEndian(increment.AsSpan(12), blocks.Count);
        for (int i = 0; i < blocks.Count; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(increment.AsSpan(16 + (4 * i)), blocks[i]);
        }

        pages.CopyTo(increment.AsSpan(16 + (4 * blocks.Count)));
        return increment;
    }

    private static async Task WriteSentinelAsync(string archive, string name, WalBackup below, WalBackup full, long size)
    {
        string old = Path.Combine(archive, Folder, full.Name + "_backup_stop_sentinel.json");
        var sentinel = JsonNode.Parse(await File.ReadAllTextAsync(old))!.AsObject();
        sentinel["DataCatalogSize"] = full.UncompressedSize;
        sentinel["UncompressedSize"] = size;
        sentinel["DeltaLSN"] = below.StartLsn!.Value.Position;
        sentinel["DeltaFrom"] = below.Name;
        sentinel["DeltaFullName"] = below.DeltaFullName ?? below.Name;
        sentinel["DeltaCount"] = below.IsDelta ? 2 : 1;
        await File.WriteAllTextAsync(Path.Combine(archive, Folder, name + "_backup_stop_sentinel.json"), sentinel.ToJsonString());
        File.Delete(old);
    }

    private static async Task<Dictionary<string, string>> FilesOfAsync(string archive, string backup)
    {
        await using var stream = File.OpenRead(Path.Combine(archive, Folder, backup, "files_metadata.json"));
        using var json = await JsonDocument.ParseAsync(stream);
        return json.RootElement.GetProperty("Files").EnumerateObject().ToDictionary(
            file => file.Name, file => file.Value.GetProperty("MTime").GetDateTimeOffset().ToString("O", CultureInfo.InvariantCulture), StringComparer.Ordinal);
    }

    private static async Task<byte[]> ReadAsync(TarEntry entry)
    {
        var content = new MemoryStream();
        await (entry.DataStream?.CopyToAsync(content) ?? Task.CompletedTask);
        return content.ToArray();
    }

    // main forks alone have pages with an LSN that means what it should
    [GeneratedRegex(@"^/?(base/\d+|global|pg_tblspc/\d+/PG_[^/]+/\d+)/\d+(\.\d+)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex IsRelation();
}
