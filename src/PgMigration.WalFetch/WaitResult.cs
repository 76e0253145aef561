namespace PgMigration.WalFetch;

/// <summary>What ended a wait.</summary>
internal enum WaitResult
{
    /// <summary>The descriptor can be read, or its other end is gone.</summary>
    Readable,

    /// <summary>The server is to be promoted: leave at once.</summary>
    Promote,

    /// <summary>Nothing happened in time.</summary>
    TimedOut,
}
