using System.Globalization;

namespace PgMigration.Wal;

/// <summary>A delta backup with those it builds on.</summary>
public static class BackupChain
{
    /// <summary>Finds them by what the sentinels say, down to the full one. A full backup is a chain by itself.</summary>
    /// <param name="storage">The archive.</param>
    /// <param name="backup">The newest.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>The newest first, the full one last.</returns>
    /// <exception cref="MigrationException"><c>BackupBaseMissing</c>, <c>BackupBaseWrong</c>.</exception>
    public static async Task<IReadOnlyList<WalBackup>> FindAsync(IArchiveStorage storage, WalBackup backup, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(storage);
        ArgumentNullException.ThrowIfNull(backup);
        var chain = new List<WalBackup> { backup };
        while (chain[^1].IsDelta)
        {
            var delta = chain[^1];
            string name = delta.DeltaFrom ?? throw Wrong(delta, "is a delta by its name, but its sentinel does not say of which backup");
            if (chain.Count > WantedFiles.LongestChain || chain.Any(known => known.Name == name))
            {
                throw Wrong(delta, $"builds on {name}, and that, over others, on it again");
            }

            var below = await ReadAsync(storage, delta, name, cancel);
            Check(delta, below);
            chain.Add(below);
        }

        return chain;
    }

    private static async Task<WalBackup> ReadAsync(IArchiveStorage storage, WalBackup delta, string name, CancellationToken cancel)
    {
        if (BackupName.TryParse(name) is not { } parsed)
        {
            throw Wrong(delta, $"builds on '{name}', which is not the name of a backup");
        }

        string sentinel = BackupCatalog.Folder + name + BackupCatalog.SentinelSuffix;
        if (await storage.FindAsync(sentinel, cancel) is not { } found)
        {
            throw new MigrationException("BackupBaseMissing", MigrationErrorKind.NotFound,
                $"The delta backup {delta.Name} builds on {name}, and {storage.Url}/{sentinel} is not there: it was deleted. Choose another backup with -BackupName; Get-WalBackup lists them.");
        }

        try
        {
            return await BackupReader.ReadAsync(storage, parsed, found, cancel);
        }
        catch (InvalidDataException error)
        {
            throw Wrong(delta, $"builds on {name}, whose sentinel cannot be read: {error.Message.TrimEnd('.')}");
        }
    }

    private static void Check(WalBackup delta, WalBackup below)
    {
        if (delta.SystemIdentifier is { } own && below.SystemIdentifier is { } other && own != other)
        {
            throw Wrong(delta, string.Create(CultureInfo.InvariantCulture, $"is of the cluster {own}, and {below.Name}, on which it builds, of the cluster {other}"));
        }

        if (delta.DeltaLsn is { } since && below.StartLsn is { } start && since != start)
        {
            throw Wrong(delta, $"holds what changed since {since}, and {below.Name}, on which it builds, starts at {start}: that is another backup than the one it was made on");
        }
    }

    private static MigrationException Wrong(WalBackup delta, string what) => new("BackupBaseWrong", MigrationErrorKind.InvalidData,
        $"The delta backup {delta.Name} {what}. Choose another backup with -BackupName; Get-WalBackup lists them.");
}
