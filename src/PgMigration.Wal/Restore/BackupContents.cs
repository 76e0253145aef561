namespace PgMigration.Wal;

/// <summary>The objects of one base backup in its archive.</summary>
/// <remarks>Source: the layout of WAL-G (tar_partitions/part_NNN.tar.*, pg_control.tar.*, backup_label.tar.*) and WAL-E (part_NNNNNNNN.tar.*).</remarks>
/// <param name="Name">The backup's name.</param>
/// <param name="Parts">The parts that may be extracted in any order.</param>
/// <param name="LastParts">Those that must come after all others, in this order: the label, then the control file.</param>
/// <param name="FilesMetadata">The object that lists every file, or null when the backup has none.</param>
public sealed record BackupContents(string Name, IReadOnlyList<ArchiveObject> Parts, IReadOnlyList<ArchiveObject> LastParts, ArchiveObject? FilesMetadata)
{
    private const string Folder = "basebackups_005/";

    /// <summary>Stored bytes of all parts.</summary>
    public long Length => Parts.Concat(LastParts).Sum(part => part.Length);

    /// <summary>Lists those of a backup and of the ones it builds on, in the order of the chain.</summary>
    /// <exception cref="MigrationException"><c>BackupIncomplete</c>, <c>BackupPartUnknown</c>.</exception>
    public static async Task<IReadOnlyList<BackupContents>> ListAsync(IArchiveStorage storage, IEnumerable<WalBackup> chain, CancellationToken cancel)
    {
        var contents = new List<BackupContents>();
        foreach (var backup in chain)
        {
            contents.Add(await ListAsync(storage, backup.Name, cancel));
        }

        return contents;
    }

    /// <summary>Lists them.</summary>
    /// <exception cref="MigrationException"><c>BackupIncomplete</c> when there is no part, or a kind of part that we do not know.</exception>
    public static async Task<BackupContents> ListAsync(IArchiveStorage storage, string backupName, CancellationToken cancel)
    {
        var parts = new List<ArchiveObject>();
        await foreach (var found in storage.ListAsync($"{Folder}{backupName}/tar_partitions/", cancel: cancel))
        {
            parts.Add(found);
        }

        if (parts.Count == 0)
        {
            throw new MigrationException("BackupIncomplete", MigrationErrorKind.InvalidData,
                $"The backup {backupName} in {storage.Url} has no parts under {Folder}{backupName}/tar_partitions/. Choose another with -BackupName; Get-WalBackup lists them.");
        }

        if (parts.FirstOrDefault(part => Order(part) < 0) is { } unknown)
        {
            throw new MigrationException("BackupPartUnknown", MigrationErrorKind.NotSupported,
                $"The backup {backupName} holds the part '{unknown.Name}'. Expected part_*.tar, backup_label.tar and pg_control.tar, each with the extension of its codec.");
        }

        return new BackupContents(
            backupName,
            [.. parts.Where(part => Order(part) == 0)],
            [.. parts.Where(part => Order(part) > 0).OrderBy(Order)],
            await storage.FindAsync($"{Folder}{backupName}/files_metadata.json", cancel));
    }

    /// <summary>Makes sure that each object can be read, before the first byte is: lifecycle rules may have moved some to an archive class.</summary>
    /// <exception cref="MigrationException"><c>ArchiveObjectArchived</c>, with the class and the command that restores it.</exception>
    public Task RequireReadableAsync(IArchiveStorage storage, CancellationToken cancel) =>
        ArchivedObjects.RequireReadableAsync(storage, [.. Parts, .. LastParts, .. FilesMetadata is null ? [] : (ArchiveObject[])[FilesMetadata]], $"the backup {Name}", cancel);

    /// <summary>The list of its files: an object of its own, or, in old backups, within the sentinel.</summary>
    internal BackupFileList FileList(IArchiveStorage storage) => new(storage, FilesMetadata?.Name ?? Folder + Name + BackupCatalog.SentinelSuffix, Name);

    /// <summary>A part's name without its folders, as the journal of parts has it.</summary>
    internal static string ShortName(ArchiveObject part) => part.Name[(part.Name.LastIndexOf('/') + 1)..];

    private static int Order(ArchiveObject part) => ShortName(part) switch
    {
        var name when name.StartsWith("backup_label.tar", StringComparison.Ordinal) => 1,
        var name when name.StartsWith("pg_control.tar", StringComparison.Ordinal) => 2,
        var name when name.StartsWith("part_", StringComparison.Ordinal) && name.Contains(".tar", StringComparison.Ordinal) => 0,
        _ => -1,
    };
}
