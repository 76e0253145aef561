namespace PgMigration.DmsModel;

/// <summary>Starts a serverless replication.</summary>
public sealed record StartReplicationRequest
{
    /// <summary>The configuration's address.</summary>
    public required string ReplicationConfigArn { get; init; }

    /// <summary><c>start-replication</c>, <c>resume-processing</c> or <c>reload-target</c>.</summary>
    public required string StartReplicationType { get; init; }

    /// <summary>Where changes begin, as a time.</summary>
    public DateTime? CdcStartTime { get; init; }

    /// <summary>Where changes begin, as a position.</summary>
    public string? CdcStartPosition { get; init; }

    /// <summary>Where they end.</summary>
    public string? CdcStopPosition { get; init; }
}
