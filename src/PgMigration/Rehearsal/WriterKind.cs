namespace PgMigration;

/// <summary>How one of the rehearsal's writers commits. Each kind is a way in which a cutover is known to lose commits.</summary>
public enum WriterKind
{
    /// <summary>Through the pooler, one insertion a transaction.</summary>
    Plain,

    /// <summary>Through the pooler with <c>synchronous_commit = off</c>: acknowledged before it is written, beyond pg_current_wal_lsn().</summary>
    Asynchronous,

    /// <summary>Through the pooler, several executions of one prepared statement in a transaction that stays open meanwhile.</summary>
    Prepared,

    /// <summary>Past the pooler to the old server, overriding read-only defaults, and back again whenever it is cut off.</summary>
    Straight,
}
