namespace PgMigration.Wal;

/// <summary>The value of one setting, and where it was found. Shows itself without the value, which may be a secret.</summary>
/// <param name="name">The name under which it was found, such as <c>WALG_S3_PREFIX</c>.</param>
/// <param name="value">The value, not empty.</param>
/// <param name="file">The file that it stands in; null for the environment or a parameter.</param>
internal readonly struct ArchiveSetting(string name, string value, string? file)
{
    /// <summary>The name under which it was found.</summary>
    public string Name => name;

    /// <summary>The value.</summary>
    public string Value => value;

    /// <summary>Whether it stands in the file.</summary>
    public bool IsOfFile => file is not null;

    /// <summary>The name and the file.</summary>
    public override string ToString() => file is null ? name : $"{name} in {file}";
}
