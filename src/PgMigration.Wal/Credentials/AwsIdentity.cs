using System.Text.Json.Serialization;
using Amazon;
using Amazon.Runtime;

namespace PgMigration.Wal;

/// <summary>Whose credentials are used with AWS: keys, a profile, a session of AWS.Tools; when none is named, what AWS programs would use.</summary>
/// <remarks>Nothing is looked up before it is needed, and what can change is looked up again, so that keys which rotate keep working for days.</remarks>
public sealed record AwsIdentity
{
    /// <summary>What AWS programs would use.</summary>
    public static AwsIdentity Usual { get; } = new();

    /// <summary>A profile of the AWS configuration files; null when none is named.</summary>
    public string? Profile { get; init; }

    /// <summary>The file that holds the profile; null for the usual ones.</summary>
    public string? ProfileFile { get; init; }

    /// <summary>Asks a session of AWS.Tools for the keys that it has now; null when there is none.</summary>
    [JsonIgnore]
    public Func<AwsKeys>? Session { get; init; }

    /// <summary>Keys that were given.</summary>
    internal AwsKeys? Keys { get; init; }

    /// <summary>How they are made, where another process found that out.</summary>
    internal AwsCredentialSource? Source { get; init; }

    /// <summary>The same with keys that were given; without, when there are none.</summary>
    /// <param name="accessKeyId">The key's id.</param>
    /// <param name="secretAccessKey">The secret.</param>
    /// <param name="sessionToken">The token of temporary keys, or null.</param>
    public AwsIdentity With(string? accessKeyId, string? secretAccessKey, string? sessionToken) =>
        accessKeyId is null || secretAccessKey is null ? this : this with { Keys = new AwsKeys(accessKeyId, secretAccessKey, string.IsNullOrEmpty(sessionToken) ? null : sessionToken) };

    /// <summary>The SDK's credentials. Nothing is sent yet.</summary>
    /// <exception cref="MigrationException"><c>ProfileNotFound</c>, <c>AwsProfileInvalid</c>, <c>AwsSettingInvalid</c>, <c>AwsCredentialsMissing</c>. Later, when
    /// they are first needed: <c>AwsCredentialsFailed</c>, <c>AwsSignInExpired</c>.</exception>
    public AWSCredentials Credentials() => Session is null ? Found().Make() : new SessionCredentials(Session);

    /// <summary>The region that the profile or the environment names; null when neither does.</summary>
    public string? Region()
    {
        if (Source is not null)
        {
            return null; // it was found beside the source, by the process that knows the files
        }

        string? named = Profile is not null ? OfProfile(Profile) : AwsProfiles.Variable("AWS_REGION") ?? AwsProfiles.Variable("AWS_DEFAULT_REGION") ?? OfProfile(AwsProfiles.DefaultName);
        return named ?? FallbackRegionFactory.GetRegionEndpoint()?.SystemName;
    }

    /// <summary>Without secrets.</summary>
    public override string ToString() => Source?.ToString() ?? (Keys is not null ? "given keys" : Session is not null ? "the session's credentials" : Profile is null ? "the usual credentials" : $"the profile '{Profile}'");

    /// <summary>How they are made.</summary>
    internal AwsCredentialSource Found() =>
        Keys is { } keys ? new KeySource(keys.AccessKeyId, keys.SecretAccessKey, keys.SessionToken) { Profile = Profile, ProfileFile = ProfileFile } : Source ?? AwsCredentialSearch.Find(Profile, ProfileFile);

    /// <summary>The endpoint that the profile, or the environment's, names for a service such as <c>s3</c>; null for none.</summary>
    /// <exception cref="MigrationException"><c>EndpointInvalid</c>.</exception>
    public Uri? Endpoint(string service)
    {
        if (Keys is not null || Source is not null)
        {
            return null;
        }

        return Read(Profile ?? AwsProfiles.DefaultName, (profiles, profile) => AwsServices.EndpointOf(service, profiles, profile)) ?? AwsServices.EndpointOf(service, null, null);
    }

    private string? OfProfile(string name) => Read(name, (_, profile) => AwsProfiles.Of(profile, "region"));

    private T? Read<T>(string name, Func<AwsProfiles, IReadOnlyDictionary<string, string>, T?> value)
        where T : class
    {
        try
        {
            var profiles = AwsProfiles.Read(ProfileFile);
            return profiles.Find(name) is { } profile ? value(profiles, profile) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private sealed class SessionCredentials(Func<AwsKeys> ask) : AWSCredentials
    {
        public override ImmutableCredentials GetCredentials() => ask() is var keys ? new ImmutableCredentials(keys.AccessKeyId, keys.SecretAccessKey, keys.SessionToken) : null!;
    }
}
