using System.Runtime.Versioning;

namespace PgMigration.Wal;

/// <summary>Checks that every file the backup's own list names has been extracted: <c>TarFileSets</c>, and of a chain <c>Files</c> as well.</summary>
/// <remarks>A tar that lacks its last files, or a part that is gone from the bucket, is not noticed otherwise. Each name is looked up on disk rather than kept.</remarks>
[SupportedOSPlatform("linux")]
internal sealed class NamesCheck(DataDirectoryFiles files, EntryPlacement placement, string backupName, WantedFiles? chain)
{
    /// <summary>Reads the list to its end.</summary>
    /// <returns>Whether there is one.</returns>
    /// <exception cref="MigrationException"><c>BackupIncomplete</c>, naming the first file that is missing and its part; <c>BackupListInvalid</c>.</exception>
    public Task<bool> CheckAsync(BackupFileList list, CancellationToken cancel) => list.ReadAsync(chain is null ? null : CheckWhole, CheckThere, cancel);

    private void CheckThere(string name, string? part)
    {
        if (Place(name) is { } path && !Path.Exists(files[path]) && !EntryPlacement.MayBeAbsent(name))
        {
            throw new MigrationException("BackupIncomplete", MigrationErrorKind.InvalidData,
                $"The backup {backupName} lists '{name}' in {part}, and no part held it: a part is cut or missing in the archive. Choose another backup with -BackupName.");
        }
    }

    // a file of which a delta holds nothing, or some pages, must have come from the backups below; folders are listed too, and every delta holds all of its own
    private void CheckWhole(string name, bool isIncremented, bool isSkipped)
    {
        if (Place(name) is { } path && !path.StartsWith(RestoreLayout.FolderName + "/", StringComparison.Ordinal) && !(isSkipped || isIncremented ? chain!.MadeWholeBy(FileKey.Of(path)) is not null : chain!.MadeWholeBy(FileKey.Of(path)) == 0) && !EntryPlacement.MayBeAbsent(name))
        {
            throw new MigrationException("BackupIncomplete", MigrationErrorKind.InvalidData,
                $"The backup {backupName} lists '{name}'{(isSkipped ? " as unchanged" : isIncremented ? " as changed in places" : string.Empty)}, and no backup of its chain holds {(chain.InPiecesOf(FileKey.Of(path)) is null ? "it" : "the rest of it")}: a part is cut or missing in the archive. Choose another backup with -BackupName.");
        }
    }

    // folders that stay empty are made later, and may have been links on the source: pg_wal often is
    private string? Place(string name) =>
        placement.Place(new TarEntry(name, TarEntryKind.File, 0, string.Empty)) is { } path && !EntryPlacement.EmptyFolders.Contains(path) ? path : null;
}
