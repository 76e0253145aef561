namespace PgMigration.Wal;

/// <summary>How a base backup is loaded.</summary>
public sealed record LoadOptions
{
    /// <summary>How many parts are extracted at once.</summary>
    public int Parallelism { get; init; } = Environment.ProcessorCount;

    /// <summary>Who is to own the files; null to leave them to the user of this process.</summary>
    public FileOwner? Owner { get; init; }

    /// <summary>The major version that the backup must be of, such as 15; null when nobody knows.</summary>
    public int? MajorVersion { get; init; }

    /// <summary>Bytes of its files, as the writer recorded them; null when it did not.</summary>
    public long? UncompressedSize { get; init; }

    /// <summary>The folder for each tablespace, by its oid. The folders exist.</summary>
    public IReadOnlyDictionary<string, string> Tablespaces { get; init; } = new Dictionary<string, string>();
}
