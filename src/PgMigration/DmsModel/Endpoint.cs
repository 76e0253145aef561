namespace PgMigration.DmsModel;

/// <summary>One of the two databases, as DMS knows it.</summary>
public sealed record Endpoint
{
    /// <summary>Its name: letters, digits and hyphens.</summary>
    public string? EndpointIdentifier { get; init; }

    /// <summary><c>source</c> or <c>target</c>.</summary>
    public string? EndpointType { get; init; }

    /// <summary><c>postgres</c> or <c>aurora-postgresql</c>.</summary>
    public string? EngineName { get; init; }

    /// <summary>The engine in words.</summary>
    public string? EngineDisplayName { get; init; }

    /// <summary>The login.</summary>
    public string? Username { get; init; }

    /// <summary>The host.</summary>
    public string? ServerName { get; init; }

    /// <summary>The port.</summary>
    public int? Port { get; init; }

    /// <summary>The database.</summary>
    public string? DatabaseName { get; init; }

    /// <summary>Settings as <c>name=value;</c>, among them some that have no member of their own.</summary>
    public string? ExtraConnectionAttributes { get; init; }

    /// <summary><c>none</c>, <c>require</c>, <c>verify-ca</c> or <c>verify-full</c>.</summary>
    public string? SslMode { get; init; }

    /// <summary>The authority's certificate, for the two that verify.</summary>
    public string? CertificateArn { get; init; }

    /// <summary>The key that encrypts what is kept.</summary>
    public string? KmsKeyId { get; init; }

    /// <summary><c>active</c>, <c>testing</c>, <c>failed</c>, <c>deleting</c>.</summary>
    public string? Status { get; init; }

    /// <summary>Its address in AWS.</summary>
    public string? EndpointArn { get; init; }

    /// <summary>What is PostgreSQL's own; without secrets.</summary>
    public PostgreSQLSettings? PostgreSQLSettings { get; init; }
}
