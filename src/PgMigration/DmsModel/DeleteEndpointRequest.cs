namespace PgMigration.DmsModel;

/// <summary>Removes an endpoint; its tasks must be gone.</summary>
public sealed record DeleteEndpointRequest
{
    /// <summary>The endpoint.</summary>
    public required string EndpointArn { get; init; }
}
