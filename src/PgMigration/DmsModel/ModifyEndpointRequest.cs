using System.Text;

namespace PgMigration.DmsModel;

/// <summary>Changes what DMS knows of a database; what is null stays as it is.</summary>
public sealed record ModifyEndpointRequest
{
    /// <summary>The endpoint.</summary>
    public required string EndpointArn { get; init; }

    /// <summary>The login.</summary>
    public string? Username { get; init; }

    /// <summary>Its secret. Never printed.</summary>
    public string? Password { get; init; }

    /// <summary>The host.</summary>
    public string? ServerName { get; init; }

    /// <summary>The port.</summary>
    public int? Port { get; init; }

    /// <summary>The database.</summary>
    public string? DatabaseName { get; init; }

    /// <summary><c>none</c>, <c>require</c>, <c>verify-ca</c> or <c>verify-full</c>.</summary>
    public string? SslMode { get; init; }

    /// <summary>What is PostgreSQL's own; what it does not name stays, unless <see cref="ExactSettings"/> is set.</summary>
    public PostgreSQLSettings? PostgreSQLSettings { get; init; }

    /// <summary>Whether the settings take the place of all that there are.</summary>
    public bool? ExactSettings { get; init; }

    /// <summary>Its address alone: a record would print every member, and one of them is a secret.</summary>
    /// <param name="builder">Where it goes.</param>
    private bool PrintMembers(StringBuilder builder)
    {
        builder.Append("EndpointArn = ").Append(EndpointArn);
        return true;
    }
}
