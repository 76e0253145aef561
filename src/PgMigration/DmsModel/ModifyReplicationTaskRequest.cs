namespace PgMigration.DmsModel;

/// <summary>Changes a task that is stopped.</summary>
public sealed record ModifyReplicationTaskRequest
{
    /// <summary>The task.</summary>
    public required string ReplicationTaskArn { get; init; }

    /// <summary>Another name.</summary>
    public string? ReplicationTaskIdentifier { get; init; }

    /// <summary>Another kind.</summary>
    public string? MigrationType { get; init; }

    /// <summary>Other tables, as JSON text.</summary>
    public string? TableMappings { get; init; }

    /// <summary>Other settings, as JSON text.</summary>
    public string? ReplicationTaskSettings { get; init; }

    /// <summary>When changes begin; the source's log must still reach so far back.</summary>
    public DateTime? CdcStartTime { get; init; }

    /// <summary>Where changes begin: an LSN (which needs the endpoint's SlotName), a checkpoint or a date.</summary>
    public string? CdcStartPosition { get; init; }

    /// <summary>When changes end: <c>server_time:2026-01-31T12:00:00</c> or <c>commit_time:…</c>; null for never.</summary>
    public string? CdcStopPosition { get; init; }
}
