namespace PgMigration.WalFetch;

/// <summary>What became of a prefetcher that was started.</summary>
internal enum PrefetcherFate
{
    /// <summary>It runs, or is still starting.</summary>
    Runs,

    /// <summary>It went away because another one holds the lock: one that listens soon, or one that was killed and is not quite gone.</summary>
    FoundAnother,

    /// <summary>It ended with an error; its log says which.</summary>
    Failed,
}
