namespace PgMigration.DmsModel;

/// <summary>The replication that stops.</summary>
public sealed record StopReplicationResponse
{
    /// <summary>It.</summary>
    public Replication? Replication { get; init; }
}
