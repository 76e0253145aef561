namespace PgMigration.DmsModel;

/// <summary>The endpoint as it is now.</summary>
public sealed record ModifyEndpointResponse
{
    /// <summary>The endpoint.</summary>
    public Endpoint? Endpoint { get; init; }
}
