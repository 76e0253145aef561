namespace PgMigration.Wal;

/// <summary>What an entry of a tar part is. Devices, pipes, hard links and sparse files have no place in a backup and are refused by the parser.</summary>
public enum TarEntryKind
{
    /// <summary>A file with its content.</summary>
    File,

    /// <summary>A folder.</summary>
    Folder,

    /// <summary>A symbolic link.</summary>
    SymbolicLink,
}
