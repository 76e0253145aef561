namespace PgMigration.DmsModel;

/// <summary>Asks for a serverless replication; it does not run yet.</summary>
public sealed record CreateReplicationConfigRequest
{
    /// <summary>Its name: letters, digits and hyphens.</summary>
    public required string ReplicationConfigIdentifier { get; init; }

    /// <summary>Where rows come from.</summary>
    public required string SourceEndpointArn { get; init; }

    /// <summary>Where they go.</summary>
    public required string TargetEndpointArn { get; init; }

    /// <summary>What it may use.</summary>
    public required ComputeConfig ComputeConfig { get; init; }

    /// <summary><c>full-load</c>, <c>cdc</c> or <c>full-load-and-cdc</c>.</summary>
    public required string ReplicationType { get; init; }

    /// <summary>Which tables, as JSON text.</summary>
    public required string TableMappings { get; init; }

    /// <summary>Settings as those of a task, as JSON text.</summary>
    public string? ReplicationSettings { get; init; }

    /// <summary>Labels.</summary>
    public Tag[]? Tags { get; init; }
}
