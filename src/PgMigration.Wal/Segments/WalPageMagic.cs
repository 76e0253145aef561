namespace PgMigration.Wal;

/// <summary>The number that each WAL page begins with; it tells the major version that wrote it.</summary>
/// <remarks>Source: XLOG_PAGE_MAGIC in src/include/access/xlog_internal.h of each release branch.</remarks>
public static class WalPageMagic
{
    private static readonly (ushort Magic, int MajorVersion)[] Known =
        [(0xD097, 10), (0xD098, 11), (0xD101, 12), (0xD106, 13), (0xD10D, 14), (0xD110, 15), (0xD113, 16), (0xD116, 17), (0xD118, 18), (0xD121, 19)];

    /// <summary>The number of a major version; null when the version is not known here.</summary>
    public static ushort? Of(int majorVersion) => Array.Find(Known, pair => pair.MajorVersion == majorVersion) is { Magic: > 0 } found ? found.Magic : null;

    /// <summary>The major version of a number; null when it is none that is known here.</summary>
    public static int? MajorVersion(ushort magic) => Array.Find(Known, pair => pair.Magic == magic) is { MajorVersion: > 0 } found ? found.MajorVersion : null;
}
