using System.Collections.Concurrent;

namespace PgMigration.Wal;

/// <summary>One part of a backup: the files that go into one tar.</summary>
/// <param name="Name">Its object's name without folder and codec: <c>part_001.tar</c>.</param>
/// <param name="Files">What goes in.</param>
internal sealed record BackupPart(string Name, IReadOnlyList<ClusterFile> Files)
{
    /// <summary>What did go in, with its time of modification: without the files that had vanished by then.</summary>
    public ConcurrentQueue<(string EntryName, DateTimeOffset Modified)> Written { get; } = new();

    /// <summary>Deals files out to parts, in order, so that related files stay together and there are two parts at least.</summary>
    /// <param name="files">All files and folders.</param>
    /// <param name="partSize">Bytes of files in a part, at most.</param>
    public static List<BackupPart> Deal(IReadOnlyList<ClusterFile> files, long partSize)
    {
        long half = Math.Max(1, files.Sum(file => file.Length) / 2);
        var parts = new List<BackupPart>();
        var current = new List<ClusterFile>();
        long size = 0;
        foreach (var file in files)
        {
            if (size > 0 && (size + file.Length > partSize || size >= half))
            {
                Close();
            }

            current.Add(file);
            size += file.Length;
        }

        Close();
        return parts;

        void Close()
        {
            parts.Add(new BackupPart(NameOf(parts.Count + 1), current));
            current = [];
            size = 0;
        }
    }

    /// <summary>The name of a part by its number, from 1.</summary>
    public static string NameOf(int number) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"part_{number:D3}.tar");

    /// <summary>Writes the tar; tells the bytes of each file as it is done.</summary>
    public async Task WriteAsync(Stream destination, Action<long> done, CancellationToken cancel)
    {
        var tar = new TarWriter(destination);
        foreach (var file in Files)
        {
            if (await AddAsync(tar, file, cancel) is { } modified)
            {
                Written.Enqueue((file.EntryName, modified));
            }

            done(file.Length);
        }

        await tar.CompleteAsync(cancel);
    }

    private static async Task<DateTimeOffset?> AddAsync(TarWriter tar, ClusterFile file, CancellationToken cancel)
    {
        try
        {
            if (file.IsFolder)
            {
                var folder = new DirectoryInfo(file.Path);
                if (!folder.Exists)
                {
                    return null;
                }

                await tar.AddFolderAsync(file.EntryName, ModeOf(folder, isFolder: true), folder.LastWriteTimeUtc, cancel);
                return folder.LastWriteTimeUtc;
            }

            var options = new FileStreamOptions { Access = FileAccess.Read, Mode = FileMode.Open, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0, Options = FileOptions.SequentialScan };
            await using var content = new FileStream(file.Path, options);
            var info = new FileInfo(file.Path);
            DateTimeOffset modified = info.LastWriteTimeUtc;
            await tar.AddFileAsync(file.EntryName, content, content.Length, ModeOf(info, isFolder: false), modified, cancel);
            return modified;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null; // dropped since the walk: replay would drop it too
        }
    }

    private static UnixFileMode ModeOf(FileSystemInfo entry, bool isFolder)
    {
        const UnixFileMode ForOwner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return OperatingSystem.IsWindows() ? (isFolder ? ForOwner | UnixFileMode.UserExecute : ForOwner) : entry.UnixFileMode;
    }
}
