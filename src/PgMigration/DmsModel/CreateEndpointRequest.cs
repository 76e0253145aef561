using System.Text;

namespace PgMigration.DmsModel;

/// <summary>Describes one of the two databases to DMS.</summary>
public sealed record CreateEndpointRequest
{
    /// <summary>Its name: letters, digits and hyphens.</summary>
    public required string EndpointIdentifier { get; init; }

    /// <summary><c>source</c> or <c>target</c>.</summary>
    public required string EndpointType { get; init; }

    /// <summary><c>postgres</c> or <c>aurora-postgresql</c>.</summary>
    public required string EngineName { get; init; }

    /// <summary>The login.</summary>
    public string? Username { get; init; }

    /// <summary>Its secret; null where Secrets Manager has it. Never printed.</summary>
    public string? Password { get; init; }

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

    /// <summary>What is PostgreSQL's own.</summary>
    public PostgreSQLSettings? PostgreSQLSettings { get; init; }

    /// <summary>Labels.</summary>
    public Tag[]? Tags { get; init; }

    /// <summary>Its name alone: a record would print every member, and one of them is a secret.</summary>
    /// <param name="builder">Where it goes.</param>
    private bool PrintMembers(StringBuilder builder)
    {
        builder.Append("EndpointIdentifier = ").Append(EndpointIdentifier);
        return true;
    }
}
