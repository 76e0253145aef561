namespace PgMigration;

/// <summary>How WAL comes to a standby.</summary>
public enum WalFeed
{
    /// <summary>Our prefetcher fetches it from the archive.</summary>
    Prefetcher,

    /// <summary>Another restore_command fetches it from an archive.</summary>
    Archive,

    /// <summary>It is streamed from another server.</summary>
    Streaming,
}
