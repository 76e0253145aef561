namespace PgMigration.DmsModel;

/// <summary>Forgets a test of a machine's way to an endpoint.</summary>
public sealed record DeleteConnectionRequest
{
    /// <summary>The endpoint.</summary>
    public required string EndpointArn { get; init; }

    /// <summary>The machine.</summary>
    public required string ReplicationInstanceArn { get; init; }
}
