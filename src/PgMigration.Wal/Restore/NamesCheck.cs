using System.Runtime.Versioning;

namespace PgMigration.Wal;

/// <summary>Checks that every file the backup's own list names has been extracted: of <c>Files</c>, or, where there are none, of <c>TarFileSets</c>.</summary>
/// <remarks>
/// A tar that lacks its last files, or a part that is gone from the bucket, is not noticed otherwise. Each name is looked up on disk rather
/// than kept. WAL-G puts a name into <c>TarFileSets</c> before it opens the file, and into <c>Files</c> afterwards: a file that was dropped
/// in between, as happens on every busy server, is in the former only, and in no part.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed class NamesCheck(DataDirectoryFiles files, EntryPlacement placement, LeftOutLinks links, string backupName, WantedFiles? chain)
{
    private bool _hasFiles;
    private string? _missing;
    private (string Name, string? Part)? _missingInPart;

    /// <summary>Reads the list to its end.</summary>
    /// <returns>Whether there is one.</returns>
    /// <exception cref="MigrationException"><c>BackupIncomplete</c>, naming the first file that is missing and its part; <c>BackupListInvalid</c>.</exception>
    public async Task<bool> CheckAsync(BackupFileList list, CancellationToken cancel)
    {
        bool found = await list.ReadAsync(chain is null ? CheckFile : CheckWhole, CheckThere, cancel);
        if (_missing is not null)
        {
            throw Missing(_missing, null);
        }

        return !_hasFiles && _missingInPart is var (name, part) ? throw Missing(name, part) : found;
    }

    private void CheckFile(string name, bool isIncremented, bool isSkipped)
    {
        _hasFiles = true;
        if (_missing is null && !IsThere(name))
        {
            _missing = name; // its part is told below
        }
    }

    private void CheckThere(string name, string? part)
    {
        if (name == _missing)
        {
            throw Missing(name, part);
        }

        if (!_hasFiles && _missingInPart is null && !IsThere(name))
        {
            _missingInPart = (name, part);
        }
    }

    private bool IsThere(string name) => Place(name) is not { } path || Path.Exists(files[path]) || EntryPlacement.MayBeAbsent(name);

    private MigrationException Missing(string name, string? part) => new("BackupIncomplete", MigrationErrorKind.InvalidData,
        $"The backup {backupName} lists '{name}'{(part is null ? string.Empty : $" in {part}")}, and no part held it: a part is cut or missing in the archive. Choose another backup with -BackupName.");

    // a file of which a delta holds nothing, or some pages, must have come from the backups below; folders are listed too, and every delta holds all of its own
    private void CheckWhole(string name, bool isIncremented, bool isSkipped)
    {
        _hasFiles = true;
        if (Place(name) is not { } path || path.StartsWith(RestoreLayout.FolderName + "/", StringComparison.Ordinal) || EntryPlacement.MayBeAbsent(name))
        {
            return;
        }

        var by = chain!.MadeWholeBy(FileKey.Of(path));
        if ((isSkipped || isIncremented ? by is null : by != 0) && !Directory.Exists(files[path]))
        {
            throw new MigrationException("BackupIncomplete", MigrationErrorKind.InvalidData,
                $"The backup {backupName} lists '{name}'{(isSkipped ? " as unchanged" : isIncremented ? " as changed in places" : string.Empty)}, and no backup of its chain holds {(chain.InPiecesOf(FileKey.Of(path)) is null ? "it" : "the rest of it")}: a part is cut or missing in the archive. Choose another backup with -BackupName.");
        }
    }

    // folders that stay empty are made later, and may have been links on the source: pg_wal often is
    private string? Place(string name) =>
        placement.Place(new TarEntry(name, TarEntryKind.File, 0, string.Empty)) is { } path && !EntryPlacement.EmptyFolders.Contains(path) && !links.Contains(path) ? path : null;
}
