namespace PgMigration.DmsModel;

/// <summary>A test of one machine's way to one endpoint.</summary>
public sealed record Connection
{
    /// <summary>The machine.</summary>
    public string? ReplicationInstanceArn { get; init; }

    /// <summary>The endpoint.</summary>
    public string? EndpointArn { get; init; }

    /// <summary><c>testing</c>, <c>successful</c>, <c>failed</c>, <c>deleting</c>.</summary>
    public string? Status { get; init; }

    /// <summary>Why it failed.</summary>
    public string? LastFailureMessage { get; init; }

    /// <summary>The endpoint's name.</summary>
    public string? EndpointIdentifier { get; init; }

    /// <summary>The machine's name.</summary>
    public string? ReplicationInstanceIdentifier { get; init; }
}
