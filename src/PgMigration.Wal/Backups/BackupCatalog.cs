using System.Collections.Concurrent;

namespace PgMigration.Wal;

/// <summary>The base backups of an archive: those whose sentinel is there, since it is written last.</summary>
public static class BackupCatalog
{
    /// <summary>The folder of the archive that holds base backups.</summary>
    public const string Folder = "basebackups_005/";

    internal const string SentinelSuffix = "_backup_stop_sentinel.json";

    // A page of a listing holds a thousand names: skipping pays once a backup has more parts than about half of that.
    private const int SkipAfter = 500;
    private const int ParallelReads = 8;

    /// <summary>Lists the backups, newest first. One whose sentinel cannot be read is told as a warning and left out.</summary>
    /// <param name="storage">The archive.</param>
    /// <param name="observer">Is told about unreadable ones; null for nobody.</param>
    /// <param name="cancel">Ends the listing.</param>
    public static async Task<IReadOnlyList<WalBackup>> ListAsync(IArchiveStorage storage, IMigrationObserver? observer = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(storage);
        var sentinels = await ListSentinelsAsync(storage, cancel);
        var found = new ConcurrentBag<WalBackup>();
        var options = new ParallelOptions { MaxDegreeOfParallelism = ParallelReads, CancellationToken = cancel };
        await Parallel.ForEachAsync(sentinels, options, async (sentinel, token) =>
        {
            try
            {
                found.Add(await BackupReader.ReadAsync(storage, sentinel.Name, sentinel.Object, token));
            }
            catch (Exception error) when (error is InvalidDataException or MigrationException { ErrorId: "ArchiveObjectArchived" } or MigrationException { Kind: MigrationErrorKind.NotFound or MigrationErrorKind.PermissionDenied or MigrationErrorKind.InvalidData })
            {
                (observer ?? IMigrationObserver.None).Warning($"The backup {sentinel.Name.Text} is left out: its sentinel {storage.Url}/{sentinel.Object.Name} cannot be read. {error.Message}");
            }
        });
        return [.. found.OrderByDescending(backup => backup.Time).ThenByDescending(backup => backup.Name, StringComparer.Ordinal)];
    }

    /// <summary>The backup of a name, or the newest one.</summary>
    /// <param name="storage">The archive.</param>
    /// <param name="name">Its full name; null or <c>LATEST</c> for the newest.</param>
    /// <param name="observer">Is told about unreadable ones; null for nobody.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="MigrationException"><c>BackupNotFound</c>, naming those that there are.</exception>
    public static async Task<WalBackup> FindAsync(IArchiveStorage storage, string? name = null, IMigrationObserver? observer = null, CancellationToken cancel = default)
    {
        var all = await ListAsync(storage, observer, cancel);
        if (all.Count == 0)
        {
            throw new MigrationException("BackupNotFound", MigrationErrorKind.NotFound,
                $"{storage.Url} holds no finished base backup: no {Folder}base_*{SentinelSuffix} was found. Check the address: the prefix is the folder that holds {Folder} and {SegmentStore.Folder}");
        }

        return name is null or "LATEST" ? all[0] : all.FirstOrDefault(backup => backup.Name == name) ?? throw new MigrationException("BackupNotFound", MigrationErrorKind.NotFound,
            $"{storage.Url} holds no finished base backup '{name}'. The newest are: {string.Join(", ", all.Take(5).Select(backup => backup.Name))}. Get-WalBackup lists all.");
    }

    // A backup's folder sorts before its sentinel ('/' before '_'), and holds an object for each gigabyte.
    private static async Task<List<(BackupName Name, ArchiveObject Object)>> ListSentinelsAsync(IArchiveStorage storage, CancellationToken cancel)
    {
        var sentinels = new List<(BackupName, ArchiveObject)>();
        string? after = null;
        bool again;
        do
        {
            again = false;
            int seen = 0;
            string? inFolder = null;
            await foreach (var found in storage.ListAsync(Folder + "base_", after, cancel))
            {
                int slash = found.Name.IndexOf('/', Folder.Length);
                if (slash < 0)
                {
                    if (found.Name.EndsWith(SentinelSuffix, StringComparison.Ordinal) && BackupName.TryParse(found.Name[Folder.Length..^SentinelSuffix.Length]) is { } name)
                    {
                        sentinels.Add((name, found));
                    }

                    continue;
                }

                seen = inFolder == found.Name[..slash] ? seen + 1 : 1;
                inFolder = found.Name[..slash];
                if (seen == SkipAfter)
                {
                    after = inFolder + "0"; // the character after '/': greater than whatever the folder holds
                    again = true;
                    break;
                }
            }
        }
        while (again);

        return sentinels;
    }
}
