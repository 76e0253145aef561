namespace PgMigration.LocalDms;

/// <summary>Holds the build that this process runs from: later builds remove old ones that nobody holds, and assemblies are read when they are first needed.</summary>
internal static class BuildInUse
{
    /// <summary>Opens the build's mark; null where there is none.</summary>
    public static FileStream? Hold()
    {
        string mark = Path.Combine(AppContext.BaseDirectory, "in-use");
        return File.Exists(mark) ? new FileStream(mark, FileMode.Open, FileAccess.Read, FileShare.Read) : null;
    }
}
