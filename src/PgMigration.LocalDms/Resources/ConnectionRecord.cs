namespace PgMigration.LocalDms;

/// <summary>A test of the way from an instance to an endpoint, as it is kept on disk.</summary>
internal sealed class ConnectionRecord
{
    /// <summary>The instance.</summary>
    public required string InstanceArn { get; init; }

    /// <summary>The endpoint.</summary>
    public required string EndpointArn { get; init; }

    /// <summary>testing, successful or failed.</summary>
    public string Status { get; set; } = "testing";

    /// <summary>Why it failed.</summary>
    public string? LastFailure { get; set; }
}
