namespace PgMigration.Wal.Tests;

/// <summary>Tests that watch the memory of the process, and so run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
