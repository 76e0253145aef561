namespace PgMigration.Shell;

/// <summary>The module beside this program, as it was built.</summary>
/// <param name="Manifest">The path of PgMigration.psd1.</param>
internal sealed record BuiltModule(string Manifest)
{
    /// <summary>The path of the script that builds the module.</summary>
    public string BuildScript => Path.Combine(Path.GetDirectoryName(Manifest)!, "build.ps1");

    /// <summary>Looks in the folders above this program; null when there is no module, or it has not been built.</summary>
    public static BuiltModule? Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string manifest = Path.Combine(folder.FullName, "PgMigration.psd1");
            if (File.Exists(manifest))
            {
                return File.Exists(Path.Combine(folder.FullName, "bin", "module", "current")) ? new BuiltModule(manifest) : null;
            }
        }

        return null;
    }
}
