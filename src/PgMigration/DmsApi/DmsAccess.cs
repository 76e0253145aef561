using PgMigration.Wal;

namespace PgMigration;

/// <summary>How AWS DMS is reached: region, endpoint and credentials. What is not said here comes from where AWS programs look.</summary>
public sealed record DmsAccess
{
    /// <summary>The region, such as <c>eu-central-1</c>; null: from the profile or the environment.</summary>
    public string? Region { get; init; }

    /// <summary>Another endpoint than AWS's own, such as the one that Start-LocalDms prints; null for AWS itself.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>A profile of the AWS configuration files; null: the usual chain of credentials.</summary>
    public string? Profile { get; init; }

    /// <summary>Whether keys are held here, rather than looked up when they are needed.</summary>
    public bool HasKeys => SecretAccessKey is not null;

    internal string? AccessKeyId { get; init; }

    internal string? SecretAccessKey { get; init; }

    internal string? SessionToken { get; init; }

    /// <summary>Reads an endpoint's address.</summary>
    /// <exception cref="MigrationException"><c>EndpointInvalid</c>.</exception>
    public static Uri ParseEndpoint(string text) => ArchiveAccess.ParseEndpoint(text);

    /// <summary>The same access with keys of its own.</summary>
    /// <param name="accessKeyId">The access key's id.</param>
    /// <param name="secretAccessKey">The secret; never shown.</param>
    /// <param name="sessionToken">The token of temporary keys, or null.</param>
    public DmsAccess WithKeys(string accessKeyId, string secretAccessKey, string? sessionToken = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(accessKeyId);
        ArgumentException.ThrowIfNullOrWhiteSpace(secretAccessKey);
        return this with { AccessKeyId = accessKeyId, SecretAccessKey = secretAccessKey, SessionToken = string.IsNullOrEmpty(sessionToken) ? null : sessionToken };
    }

    /// <summary>Where it is, without secrets: <c>AWS DMS in eu-central-1</c>.</summary>
    public override string ToString() =>
        $"{(Endpoint is null ? "AWS DMS" : $"DMS at {Endpoint.GetLeftPart(UriPartial.Authority)}")}{(Region is null ? string.Empty : $" in {Region}")}{(Profile is null ? string.Empty : $" with profile {Profile}")}";
}
