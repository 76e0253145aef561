namespace PgMigration.DmsModel;

/// <summary>How a serverless replication is.</summary>
public sealed record Replication
{
    /// <summary>Its configuration's name.</summary>
    public string? ReplicationConfigIdentifier { get; init; }

    /// <summary>Its configuration's address.</summary>
    public string? ReplicationConfigArn { get; init; }

    /// <summary>Where rows come from.</summary>
    public string? SourceEndpointArn { get; init; }

    /// <summary>Where they go.</summary>
    public string? TargetEndpointArn { get; init; }

    /// <summary><c>full-load</c>, <c>cdc</c> or <c>full-load-and-cdc</c>.</summary>
    public string? ReplicationType { get; init; }

    /// <summary><c>created</c>, <c>starting</c>, <c>running</c>, <c>stopping</c>, <c>stopped</c>, <c>failed</c>, <c>deleting</c>, and others while DMS makes room for it.</summary>
    public string? Status { get; init; }

    /// <summary>Why it stopped.</summary>
    public string? StopReason { get; init; }

    /// <summary>What failed.</summary>
    public string[]? FailureMessages { get; init; }

    /// <summary>How far it is.</summary>
    public ReplicationStats? ReplicationStats { get; init; }

    /// <summary>Where changes begin.</summary>
    public string? CdcStartPosition { get; init; }

    /// <summary>Where they end.</summary>
    public string? CdcStopPosition { get; init; }

    /// <summary>Where it would go on; current only while it is stopped or failed.</summary>
    public string? RecoveryCheckpoint { get; init; }

    /// <summary>When it was made.</summary>
    public DateTime? ReplicationCreateTime { get; init; }

    /// <summary>When it last stopped.</summary>
    public DateTime? ReplicationLastStopTime { get; init; }
}
