using System.Globalization;
using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>The data directory before anything is written to it: it must be empty, or our own unfinished restore of the same backup.</summary>
[SupportedOSPlatform("linux")]
internal sealed class RestoreDirectory(RestoreLayout layout, OSUser user, FileOwner owner)
{
    private const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode GroupMayRead = UnixFileMode.GroupRead | UnixFileMode.GroupExecute;

    // Beside the data there will be WAL, a pool of fetched segments, and what a running server writes by itself.
    private const double Headroom = 1.05;

    /// <summary>The record of an earlier run here; null when the directory is fresh.</summary>
    /// <exception cref="MigrationException"><c>DataDirectoryNotEmpty</c>.</exception>
    public static RestoreRecord? FindRecord(RestoreLayout layout)
    {
        if (File.Exists(layout.RecordFile))
        {
            return RestoreRecord.Load(layout.RecordFile);
        }

        string? foreign = !Directory.Exists(layout.DataDirectory) ? null
            : Directory.EnumerateFileSystemEntries(layout.DataDirectory).Select(Path.GetFileName).FirstOrDefault(name => name != RestoreLayout.FolderName);
        return foreign is null ? null : throw new MigrationException("DataDirectoryNotEmpty", MigrationErrorKind.InvalidOperation,
            $"'{layout.DataDirectory}' is not empty (it holds '{foreign}') and is no restore of ours that could go on. Give an empty directory, or one that does not exist yet; on a mount point, a directory below it.");
    }

    /// <summary>Checks that an earlier run restored the same thing.</summary>
    /// <exception cref="MigrationException"><c>DataDirectoryOfOtherRestore</c>.</exception>
    public void CheckSame(RestoreRecord found, string archive, string backupName, ulong systemIdentifier)
    {
        if (found.Archive != archive || found.BackupName != backupName || found.SystemIdentifier != systemIdentifier)
        {
            throw new MigrationException("DataDirectoryOfOtherRestore", MigrationErrorKind.InvalidOperation,
                $"'{layout.DataDirectory}' holds a restore of {found.BackupName} from {found.Archive}, not of {backupName} from {archive}. Name that backup and archive to go on with it, or give another directory.");
        }
    }

    /// <summary>Makes the directory, owned by the OS user and closed to others, as PostgreSQL demands.</summary>
    /// <exception cref="MigrationException"><c>DataDirectoryOwner</c> or <c>DataDirectoryUnreachable</c>.</exception>
    public async Task MakeAsync(DataDirectoryFiles files, CancellationToken cancel)
    {
        if (!Directory.Exists(layout.DataDirectory))
        {
            Directory.CreateDirectory(layout.DataDirectory, Closed);
            files.Own(layout.DataDirectory);
        }
        else if (Environment.IsPrivilegedProcess)
        {
            files.Own(layout.DataDirectory);
        }

        if ((File.GetUnixFileMode(layout.DataDirectory) & ~GroupMayRead) != Closed)
        {
            File.SetUnixFileMode(layout.DataDirectory, Closed);
        }

        await ProveWritableAsync(layout.DataDirectory, cancel);
        files.MakeFolder(RestoreLayout.FolderName);
    }

    /// <summary>Makes the folders of tablespaces, or checks that they are empty or ours.</summary>
    /// <param name="folders">The folders.</param>
    /// <param name="files">Gives them to the OS user.</param>
    /// <param name="goingOn">Whether an earlier run may have filled them.</param>
    /// <param name="cancel">Ends the checks.</param>
    /// <exception cref="MigrationException"><c>TablespaceFolderNotEmpty</c>, <c>TablespaceFolderInvalid</c>, <c>DataDirectoryUnreachable</c>.</exception>
    public async Task MakeTablespacesAsync(IEnumerable<string> folders, DataDirectoryFiles files, bool goingOn, CancellationToken cancel)
    {
        foreach (string folder in folders)
        {
            if (!Path.IsPathFullyQualified(folder) || (folder + "/").StartsWith(layout.DataDirectory + "/", StringComparison.Ordinal))
            {
                throw new MigrationException("TablespaceFolderInvalid", MigrationErrorKind.InvalidArgument,
                    $"The tablespace folder '{folder}' must be an absolute path outside the data directory {layout.DataDirectory}. Map it with -TablespaceMapping.");
            }

            if (!Directory.Exists(folder))
            {
                Directory.CreateDirectory(folder, Closed);
            }
            else if (!goingOn && Directory.EnumerateFileSystemEntries(folder).Any())
            {
                throw new MigrationException("TablespaceFolderNotEmpty", MigrationErrorKind.InvalidOperation,
                    $"The tablespace folder '{folder}' is not empty. Map the tablespace to an empty folder with -TablespaceMapping.");
            }

            files.Own(folder);
            await ProveWritableAsync(folder, cancel);
        }
    }

    /// <summary>Checks that the file systems have room for the rest of the backup.</summary>
    /// <param name="folders">The data directory and the tablespaces' folders.</param>
    /// <param name="size">Bytes of the whole backup, uncompressed.</param>
    /// <exception cref="MigrationException"><c>DiskTooSmall</c>.</exception>
    public void CheckSpace(IEnumerable<string> folders, long size)
    {
        long free = folders.Select(DiskOf).Distinct().Sum(disk => new DriveInfo(disk).AvailableFreeSpace);
        long used = folders.Sum(Used);
        long needed = (long)(size * Headroom) - used;
        if (needed > free)
        {
            throw new MigrationException("DiskTooSmall", MigrationErrorKind.ResourceUnavailable,
                $"The backup needs {LagText.Of(needed)} more on {layout.DataDirectory}, and {LagText.Of(free)} are free. Give a larger disk; when this one has grown, the same command goes on.");
        }
    }

    /// <summary>Where the file system that holds a folder is mounted. Two fresh disks of one size are two disks all the same.</summary>
    /// <param name="folder">An absolute path.</param>
    internal static string DiskOf(string folder) =>
        DriveInfo.GetDrives().Select(drive => drive.Name).Where(mount => (folder + "/").StartsWith(mount.TrimEnd('/') + "/", StringComparison.Ordinal)).MaxBy(mount => mount.Length) ?? folder;

    private static long Used(string folder) =>
        new DirectoryInfo(folder).EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true }).Sum(file => file.Length);

    private async Task ProveWritableAsync(string folder, CancellationToken cancel)
    {
        var start = user.Command("test", "-w", folder, "-a", "-x", folder, "-a", "-O", folder);
        start.WorkingDirectory = "/";
        using var process = System.Diagnostics.Process.Start(start)!;
        await process.WaitForExitAsync(cancel);
        if (process.ExitCode != 0)
        {
            throw new MigrationException("DataDirectoryUnreachable", MigrationErrorKind.PermissionDenied,
                string.Create(CultureInfo.InvariantCulture, $"The OS user {user.Name} ({owner.UserId}) must own '{folder}' and reach it through the folders above. Run as root, or: chown {user.Name} '{folder}'; and chmod a+x for the folders above."));
        }
    }
}
