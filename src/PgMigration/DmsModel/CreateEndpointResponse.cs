namespace PgMigration.DmsModel;

/// <summary>The description that was kept.</summary>
public sealed record CreateEndpointResponse
{
    /// <summary>The endpoint.</summary>
    public Endpoint? Endpoint { get; init; }
}
