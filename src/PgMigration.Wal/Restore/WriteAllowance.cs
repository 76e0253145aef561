using System.Globalization;

namespace PgMigration.Wal;

/// <summary>How much a backup may write: what its sentinel says, and what the disks can hold. A few kilobytes can decode to terabytes.</summary>
internal sealed class WriteAllowance
{
    // The cluster grows while it is backed up, and writers count a little differently.
    private const double Slack = 1.25;
    private const long SlackBytes = 1L << 30;

    private readonly string _backup;
    private readonly long? _stated;
    private readonly long _disk;
    private readonly Lock _turn = new();
    private long _taken;

    /// <summary>The allowance of a backup.</summary>
    /// <param name="backup">Its name.</param>
    /// <param name="stated">Bytes of its files as its sentinel says; null when it does not.</param>
    /// <param name="folders">Where it goes.</param>
    public WriteAllowance(string backup, long? stated, IEnumerable<string> folders)
    {
        _backup = backup;
        _stated = stated;
        _disk = folders.Max(folder => new DriveInfo(folder).TotalSize);
    }

    /// <summary>Accounts for an entry before anything of it is written.</summary>
    /// <exception cref="MigrationException"><c>BackupLargerThanStated</c>, <c>EntryTooLarge</c>.</exception>
    public void Take(in TarEntry entry)
    {
        if (entry.Length > _disk)
        {
            throw new MigrationException("EntryTooLarge", MigrationErrorKind.InvalidData, string.Create(CultureInfo.InvariantCulture,
                $"'{entry.Name}' is said to be of {entry.Length} bytes; the whole disk has {_disk}. This backup is not restored; choose another with -BackupName."));
        }

        lock (_turn) // what is refused is not counted: another part must not be named for it
        {
            if (_stated is not { } stated || _taken + entry.Length <= (stated * Slack) + SlackBytes)
            {
                _taken += entry.Length;
                return;
            }

            throw new MigrationException("BackupLargerThanStated", MigrationErrorKind.InvalidData, string.Create(CultureInfo.InvariantCulture,
                $"The backup {_backup} says that its files have {stated} bytes, and its parts hold more than {_taken}: at '{entry.Name}' it was stopped. Choose another with -BackupName."));
        }
    }
}
