namespace PgMigration.DmsModel;

/// <summary>Removes a configuration that does not run.</summary>
public sealed record DeleteReplicationConfigRequest
{
    /// <summary>The configuration's address.</summary>
    public required string ReplicationConfigArn { get; init; }
}
