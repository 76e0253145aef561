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

    /// <summary>The file that holds the profile; null where AWS programs look in this user's home.</summary>
    public string? ProfileFile { get; init; }

    /// <summary>Whose credentials are used.</summary>
    public AwsIdentity Identity => new AwsIdentity { Profile = Profile, ProfileFile = ProfileFile, Session = Session }.With(AccessKeyId, SecretAccessKey, SessionToken);

    /// <summary>Whether keys are held here, rather than looked up when they are needed.</summary>
    public bool HasKeys => SecretAccessKey is not null;

    internal string? AccessKeyId { get; init; }

    internal string? SecretAccessKey { get; init; }

    internal string? SessionToken { get; init; }

    /// <summary>Asks the session of AWS.Tools for its keys of now; null when they come from elsewhere.</summary>
    internal Func<AwsKeys>? Session { get; init; }

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
        return WithoutCredentials() with { AccessKeyId = accessKeyId, SecretAccessKey = secretAccessKey, SessionToken = string.IsNullOrEmpty(sessionToken) ? null : sessionToken };
    }

    /// <summary>The same access by a profile of the AWS configuration files.</summary>
    /// <param name="name">The profile.</param>
    /// <param name="file">The file that holds it; null for the usual ones.</param>
    public DmsAccess WithProfile(string name, string? file = null) => WithoutCredentials() with { Profile = name, ProfileFile = file };

    /// <summary>The same access with the keys that a session of AWS.Tools has whenever they are needed.</summary>
    public DmsAccess WithSession(Func<AwsKeys> ask) => WithoutCredentials() with { Session = ask };

    private DmsAccess WithoutCredentials() => this with { Profile = null, ProfileFile = null, AccessKeyId = null, SecretAccessKey = null, SessionToken = null, Session = null };

    /// <summary>Where it is, without secrets: <c>AWS DMS in eu-central-1</c>.</summary>
    public override string ToString() =>
        $"{(Endpoint is null ? "AWS DMS" : $"DMS at {Endpoint.GetLeftPart(UriPartial.Authority)}")}{(Region is null ? string.Empty : $" in {Region}")}{(Profile is null ? string.Empty : $" with profile {Profile}")}";
}
