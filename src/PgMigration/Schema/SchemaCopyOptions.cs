namespace PgMigration;

/// <summary>How a schema is copied.</summary>
public sealed record SchemaCopyOptions
{
    /// <summary>Which part.</summary>
    public SchemaSection Section { get; init; } = SchemaSection.All;

    /// <summary>How many indexes, or tables with keys to check, are worked on at the same time.</summary>
    public int Parallelism { get; init; } = 4;

    /// <summary>Build indexes without holding up writes to their tables (CREATE INDEX CONCURRENTLY): slower, one at a time for each table.</summary>
    public bool Concurrently { get; init; }

    /// <summary>Schemas that are left out, by pg_dump's patterns.</summary>
    public IReadOnlyList<string> ExcludeSchema { get; init; } = [];

    /// <summary>How long a change waits for a lock before its row fails, so that nobody queues up behind it.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The folder of pg_dump and pg_restore; null for those of the target's major version, or else the newest that are found.</summary>
    public string? PostgresBin { get; init; }
}
