namespace PgMigration.DmsModel;

/// <summary>The replication that starts.</summary>
public sealed record StartReplicationResponse
{
    /// <summary>It.</summary>
    public Replication? Replication { get; init; }
}
