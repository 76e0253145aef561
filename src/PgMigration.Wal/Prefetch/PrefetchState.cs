namespace PgMigration.Wal;

/// <summary>How the prefetcher of a restored server fares.</summary>
public enum PrefetchState
{
    /// <summary>It has just been started and has not looked into the archive yet.</summary>
    Starting,

    /// <summary>It fetches segments that are in the archive.</summary>
    Fetching,

    /// <summary>Everything in the archive was fetched; it waits for the next segment.</summary>
    CaughtUp,

    /// <summary>A segment is missing while later ones exist: nothing after it can be replayed.</summary>
    Gap,

    /// <summary>A segment is truncated, altered or of another cluster. It is never handed out, and looked at again every few seconds.</summary>
    Damaged,

    /// <summary>The archive cannot be reached, or refuses: nobody knows whether there is more to replay.</summary>
    Unreachable,

    /// <summary>It cannot work on this machine: the disk is full, or a right is missing. It goes on trying.</summary>
    Failed,

    /// <summary>It has ended, and restore_command starts it again when there is need.</summary>
    Stopped,
}
