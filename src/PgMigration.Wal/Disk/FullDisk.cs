namespace PgMigration.Wal;

/// <summary>A full disk, told the same way wherever a restore meets it.</summary>
public static class FullDisk
{
    private const int NoSpace = 28; // ENOSPC
    private const int OverQuota = 122; // EDQUOT

    /// <summary>Whether an error says that there is no space left, or no quota.</summary>
    public static bool IsCause(IOException error) => (error.HResult & 0xFFFF) is NoSpace or OverQuota;

    /// <summary>The error to throw instead: <c>DiskFull</c>.</summary>
    /// <param name="dataDirectory">What was being restored.</param>
    /// <param name="doing">What was being done.</param>
    /// <param name="error">The cause.</param>
    public static MigrationException Explain(string dataDirectory, string doing, IOException error) => new("DiskFull", MigrationErrorKind.ResourceUnavailable,
        $"No space is left for {dataDirectory} while {doing}. Make room and run the same command again: it goes on where it stopped.", error);
}
