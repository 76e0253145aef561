namespace PgMigration.DmsModel;

/// <summary>The endpoint that goes.</summary>
public sealed record DeleteEndpointResponse
{
    /// <summary>The endpoint, deleting.</summary>
    public Endpoint? Endpoint { get; init; }
}
