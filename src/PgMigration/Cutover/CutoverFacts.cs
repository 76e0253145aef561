namespace PgMigration;

/// <summary>What a cutover has learnt and must not forget: kept in the journal, so that a resume or an undo in another session knows it. No secret.</summary>
public sealed record CutoverFacts
{
    /// <summary>Names this cutover.</summary>
    public required string Id { get; init; }

    /// <summary>The server that the app leaves, without its secret.</summary>
    public required string Source { get; init; }

    /// <summary>The server it goes to, without its secret.</summary>
    public required string Target { get; init; }

    /// <summary>What the fence changed on the source, and how it was before.</summary>
    public FenceRecord? Fence { get; init; }

    /// <summary>What was made so that the old server follows the new one; null when nothing was.</summary>
    public WayBackRecord? WayBack { get; init; }

    /// <summary>Where the target wrote just before it was opened.</summary>
    public Lsn? OpenedLsn { get; init; }

    /// <summary>Whether the cutover is being taken back along the way back.</summary>
    public bool Returning { get; init; }

    /// <summary>What the fence of the way back changes on the new server.</summary>
    public FenceRecord? ReturnFence { get; init; }

    /// <summary>How the app was before its pause; null before that, and for an app that need not know.</summary>
    public AppMemory? App { get; init; }

    /// <summary>What max_standby_archive_delay was set to on the target by ALTER SYSTEM; empty when it was not.</summary>
    public string? ReadersMayDelay { get; init; }

    /// <summary>The same of max_standby_streaming_delay; null also in a journal of a version that left it alone.</summary>
    public string? StreamingReadersMayDelay { get; init; }

    /// <summary>The transactions that had ended on the source when its fence was proven: a snapshot in PostgreSQL's words.</summary>
    public string? FenceSnapshot { get; init; }

    /// <summary>Those that had ended when the mark was written.</summary>
    public string? MarkSnapshot { get; init; }

    /// <summary>How many relations, large objects and other things there were when the mark was written, where the target is no physical copy that has them.</summary>
    public IReadOnlyList<long>? MarkCounts { get; init => field = value?.ToArray(); }

    /// <summary>The cluster that source and target share.</summary>
    public ulong SystemIdentifier { get; init; }

    /// <summary>Bytes of one WAL segment.</summary>
    public int SegmentSize { get; init; }

    /// <summary>How long a WAL segment took, before the app was paused, from its completion on the source to its replay on the target.</summary>
    public TimeSpan? SegmentWay { get; init; }

    /// <summary>How far the target's clock was ahead of that of the machine whose session wrote this; null when it was not asked.</summary>
    public TimeSpan? TargetClockAhead { get; init; }

    /// <summary>What was written into the source behind the fence; read on the target before it is promoted.</summary>
    public string? Nonce { get; init; }

    /// <summary>The position to drain to: the end of a record written after the fence was proven.</summary>
    public Lsn? MarkLsn { get; init; }

    /// <summary>The timeline on which the mark was written.</summary>
    public uint MarkTimeline { get; init; }
}
