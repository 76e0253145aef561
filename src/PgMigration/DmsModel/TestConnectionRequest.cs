namespace PgMigration.DmsModel;

/// <summary>Has a machine try to reach an endpoint's database.</summary>
public sealed record TestConnectionRequest
{
    /// <summary>The machine.</summary>
    public required string ReplicationInstanceArn { get; init; }

    /// <summary>The endpoint.</summary>
    public required string EndpointArn { get; init; }
}
