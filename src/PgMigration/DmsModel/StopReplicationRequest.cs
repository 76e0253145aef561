namespace PgMigration.DmsModel;

/// <summary>Stops a serverless replication; it can go on later.</summary>
public sealed record StopReplicationRequest
{
    /// <summary>The configuration's address.</summary>
    public required string ReplicationConfigArn { get; init; }
}
