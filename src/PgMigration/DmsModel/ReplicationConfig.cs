namespace PgMigration.DmsModel;

/// <summary>What a serverless replication is made from.</summary>
public sealed record ReplicationConfig
{
    /// <summary>Its name.</summary>
    public string? ReplicationConfigIdentifier { get; init; }

    /// <summary>Its address in AWS.</summary>
    public string? ReplicationConfigArn { get; init; }

    /// <summary>Where rows come from.</summary>
    public string? SourceEndpointArn { get; init; }

    /// <summary>Where they go.</summary>
    public string? TargetEndpointArn { get; init; }

    /// <summary><c>full-load</c>, <c>cdc</c> or <c>full-load-and-cdc</c>.</summary>
    public string? ReplicationType { get; init; }

    /// <summary>What it may use.</summary>
    public ComputeConfig? ComputeConfig { get; init; }

    /// <summary>Its settings, as JSON text.</summary>
    public string? ReplicationSettings { get; init; }

    /// <summary>Which tables, as JSON text.</summary>
    public string? TableMappings { get; init; }

    /// <summary>When it was made.</summary>
    public DateTime? ReplicationConfigCreateTime { get; init; }

    /// <summary>When it was last changed.</summary>
    public DateTime? ReplicationConfigUpdateTime { get; init; }
}
