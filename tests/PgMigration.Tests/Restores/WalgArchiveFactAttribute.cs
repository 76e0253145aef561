namespace PgMigration.Tests;

/// <summary>A test on a whole archive that WAL-G wrote; skipped where the archive or PostgreSQL 15 is not. The repository holds only a part of each.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class WalgArchiveFactAttribute : FactAttribute
{
    private const string Variable = "PGMIGRATION_WALG_ARCHIVES";

    /// <summary>A test on an archive.</summary>
    /// <param name="archive">The name of its folder.</param>
    public WalgArchiveFactAttribute(string archive)
    {
        Archive = archive;
        if (!OperatingSystem.IsLinux() || PostgresMajors.Find(15) is null || FolderOf(archive) is null)
        {
            Skip = $"{archive} or PostgreSQL 15 is not on this machine. Name the folder that holds {archive} in {Variable}.";
        }
    }

    /// <summary>The name of its folder.</summary>
    public string Archive { get; }

    /// <summary>The archive's folder; null when it is not here.</summary>
    public static string? FolderOf(string archive)
    {
        string archives = Environment.GetEnvironmentVariable(Variable) ?? Path.Combine(NativePrograms.RootOfCheckout(), "..", "shared", "archives");
        string folder = Path.GetFullPath(Path.Combine(archives, archive));
        return Directory.Exists(folder) ? folder : null;
    }
}
