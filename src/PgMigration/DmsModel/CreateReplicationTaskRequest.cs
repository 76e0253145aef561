namespace PgMigration.DmsModel;

/// <summary>Makes a task: what moves which tables from where to where. It does not begin by itself.</summary>
public sealed record CreateReplicationTaskRequest
{
    /// <summary>Its name: 1 to 255 letters, digits and hyphens; begins with a letter, no double or final hyphen.</summary>
    public required string ReplicationTaskIdentifier { get; init; }

    /// <summary>Where rows come from.</summary>
    public required string SourceEndpointArn { get; init; }

    /// <summary>Where they go.</summary>
    public required string TargetEndpointArn { get; init; }

    /// <summary>The machine it runs on.</summary>
    public required string ReplicationInstanceArn { get; init; }

    /// <summary><c>full-load</c>, <c>cdc</c> or <c>full-load-and-cdc</c>.</summary>
    public required string MigrationType { get; init; }

    /// <summary>Which tables, as JSON text.</summary>
    public required string TableMappings { get; init; }

    /// <summary>Its settings, as JSON text.</summary>
    public string? ReplicationTaskSettings { get; init; }

    /// <summary>When changes begin; the source's log must still reach so far back.</summary>
    public DateTime? CdcStartTime { get; init; }

    /// <summary>Where changes begin: an LSN (which needs the endpoint's SlotName), a checkpoint or a date.</summary>
    public string? CdcStartPosition { get; init; }

    /// <summary>When changes end: <c>server_time:2026-01-31T12:00:00</c> or <c>commit_time:…</c>; null for never.</summary>
    public string? CdcStopPosition { get; init; }

    /// <summary>Labels.</summary>
    public Tag[]? Tags { get; init; }
}
