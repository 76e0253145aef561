namespace PgMigration.DmsModel;

/// <summary>Starts or resumes a task.</summary>
public sealed record StartReplicationTaskRequest
{
    /// <summary>The task.</summary>
    public required string ReplicationTaskArn { get; init; }

    /// <summary><c>start-replication</c> the first time, <c>resume-processing</c> to go on, <c>reload-target</c> to begin again.</summary>
    public required string StartReplicationTaskType { get; init; }

    /// <summary>When changes begin; the source's log must still reach so far back.</summary>
    public DateTime? CdcStartTime { get; init; }

    /// <summary>Where changes begin: an LSN (which needs the endpoint's SlotName), a checkpoint or a date.</summary>
    public string? CdcStartPosition { get; init; }

    /// <summary>When changes end: <c>server_time:2026-01-31T12:00:00</c> or <c>commit_time:…</c>; null for never.</summary>
    public string? CdcStopPosition { get; init; }
}
