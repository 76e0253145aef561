namespace PgMigration.Wal;

/// <summary>How a base backup is loaded.</summary>
public sealed record LoadOptions
{
    /// <summary>How many parts are extracted at once.</summary>
    public int Parallelism { get; init; } = DefaultParallelism;

    /// <summary>One for each core, as far as memory stays bounded: 16 MB for each part, beside 128 MB for what is read ahead.</summary>
    public static int DefaultParallelism { get; } = Math.Min(16, Environment.ProcessorCount);

    /// <summary>The cluster that the backup must be of; null when nobody knows.</summary>
    public ulong? SystemIdentifier { get; init; }

    /// <summary>Bytes that the parts may hold by what the sentinels of the backup, and of those it builds on, say; null when they do not.</summary>
    public long? StatedSize { get; init; }

    /// <summary>Looks at the pages on their way; null when nobody asked for it.</summary>
    public PageVerifier? Verifier { get; init; }

    /// <summary>Who is to own the files; null to leave them to the user of this process.</summary>
    public FileOwner? Owner { get; init; }

    /// <summary>The major version that the backup must be of, such as 15; null when nobody knows.</summary>
    public int? MajorVersion { get; init; }

    /// <summary>Bytes of its files, as the writer recorded them; null when it did not.</summary>
    public long? UncompressedSize { get; init; }

    /// <summary>The folder for each tablespace, by its oid. The folders exist.</summary>
    public IReadOnlyDictionary<string, string> Tablespaces { get; init; } = new Dictionary<string, string>();
}
