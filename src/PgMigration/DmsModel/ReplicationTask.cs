namespace PgMigration.DmsModel;

/// <summary>A task: what moves which tables from where to where.</summary>
public sealed record ReplicationTask
{
    /// <summary>Its name.</summary>
    public string? ReplicationTaskIdentifier { get; init; }

    /// <summary>Where rows come from.</summary>
    public string? SourceEndpointArn { get; init; }

    /// <summary>Where they go.</summary>
    public string? TargetEndpointArn { get; init; }

    /// <summary>The machine it runs on.</summary>
    public string? ReplicationInstanceArn { get; init; }

    /// <summary><c>full-load</c>, <c>cdc</c> or <c>full-load-and-cdc</c>.</summary>
    public string? MigrationType { get; init; }

    /// <summary>Which tables, as JSON text.</summary>
    public string? TableMappings { get; init; }

    /// <summary>Its settings, as JSON text.</summary>
    public string? ReplicationTaskSettings { get; init; }

    /// <summary><c>creating</c>, <c>ready</c>, <c>modifying</c>, <c>testing</c>, <c>starting</c>, <c>running</c>, <c>stopping</c>, <c>stopped</c>, <c>failed</c>, <c>deleting</c>, <c>moving</c>, <c>failed-move</c>.</summary>
    public string? Status { get; init; }

    /// <summary>The last error, which may be long past.</summary>
    public string? LastFailureMessage { get; init; }

    /// <summary>Why it stopped, such as <c>Stop Reason NORMAL</c> or <c>Stop Reason FATAL_ERROR</c>.</summary>
    public string? StopReason { get; init; }

    /// <summary>When it was made.</summary>
    public DateTime? ReplicationTaskCreationDate { get; init; }

    /// <summary>When it was last started.</summary>
    public DateTime? ReplicationTaskStartDate { get; init; }

    /// <summary>Where changes begin.</summary>
    public string? CdcStartPosition { get; init; }

    /// <summary>When they end.</summary>
    public string? CdcStopPosition { get; init; }

    /// <summary>Where it would go on; current only while it is stopped or failed.</summary>
    public string? RecoveryCheckpoint { get; init; }

    /// <summary>Its address in AWS.</summary>
    public string? ReplicationTaskArn { get; init; }

    /// <summary>How far it is.</summary>
    public ReplicationTaskStats? ReplicationTaskStats { get; init; }
}
