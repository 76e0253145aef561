namespace PgMigration;

/// <summary>How far some long work is.</summary>
/// <param name="Activity">What is done, such as "Restoring base_0000000100000000000000A3".</param>
/// <param name="Status">Where it is, such as "1.2 GB of 3.0 GB, 410 MB/s".</param>
public sealed record MigrationProgress(string Activity, string Status)
{
    /// <summary>0 to 100; null while the end is unknown.</summary>
    public int? Percent { get; init; }

    /// <summary>The estimated time left; null while unknown.</summary>
    public TimeSpan? Left { get; init; }

    /// <summary>Whether the activity has ended and its bar can go.</summary>
    public bool Completed { get; init; }
}
