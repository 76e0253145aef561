namespace PgMigration.Faults;

/// <summary>What is done to a cutover.</summary>
internal enum FaultKind
{
    /// <summary>The session's process gets SIGKILL.</summary>
    SessionKilled,

    /// <summary>The session stands still for longer than its deadlines, and then goes on: the laptop that slept.</summary>
    SessionFrozen,

    /// <summary>Ctrl-C.</summary>
    SessionInterrupted,

    /// <summary>All processes of the source get SIGKILL; it is started again later.</summary>
    SourceKilled,

    /// <summary>One process of the source gets SIGKILL: PostgreSQL then restarts itself.</summary>
    SourceBackendKilled,

    /// <summary>The source is restarted in good order.</summary>
    SourceRestarted,

    /// <summary>All processes of the source stand still for a while.</summary>
    SourceFrozen,

    /// <summary>As for the source.</summary>
    TargetKilled,

    /// <summary>As for the source.</summary>
    TargetFrozen,

    /// <summary>The target's disk is full for a while.</summary>
    TargetDiskFull,

    /// <summary>The pooler gets SIGKILL; it is started again later, with the file as it is by then.</summary>
    PoolerKilled,

    /// <summary>The session's connections to the source are reset, and nobody gets through for a while.</summary>
    SourceCut,

    /// <summary>Nothing passes between the session and the source for a while, and nobody is told.</summary>
    SourceStalled,

    /// <summary>As for the source.</summary>
    TargetCut,

    /// <summary>As for the source.</summary>
    TargetStalled,

    /// <summary>As for the source.</summary>
    PoolerCut,

    /// <summary>As for the source.</summary>
    PoolerStalled,

    /// <summary>The archive is away for a while, for both servers.</summary>
    ArchiveAway,

    /// <summary>A transaction that has written stays open for a while: through the pooler, straight, or of another role.</summary>
    LongTransaction,

    /// <summary>A prepared transaction is left behind for a while.</summary>
    PreparedTransaction,

    /// <summary>All of the source's connections are taken, again and again, for a while.</summary>
    ConnectionFlood,

    /// <summary>Writers that nobody told reconnect in a loop, from now on.</summary>
    RogueWriters,
}
