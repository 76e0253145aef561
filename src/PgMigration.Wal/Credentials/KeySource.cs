using System.Text.Json.Serialization;
using Amazon.Runtime;

namespace PgMigration.Wal;

/// <summary>Keys that are known. Those of a profile are read again when its file changes, as long as it can be read.</summary>
internal sealed record KeySource(string AccessKeyId, string SecretAccessKey, string? SessionToken) : AwsCredentialSource
{
    /// <summary>The file that holds the profile's keys; null for the usual one.</summary>
    public string? ProfileFile { get; init; }

    /// <summary>When they end, in UTC; null when that is not known.</summary>
    public DateTime? Expires { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override bool Lasts => SessionToken is null;

    /// <inheritdoc/>
    protected override string Kind => SessionToken is null ? "the access key" : "the temporary access key";

    /// <inheritdoc/>
    public override AWSCredentials Make() => Profile is null ? Of(AccessKeyId, SecretAccessKey, SessionToken) : new ReadKeys(this);

    /// <summary>The SDK's credentials for keys.</summary>
    public static AWSCredentials Of(string accessKeyId, string secretAccessKey, string? sessionToken) =>
        sessionToken is null ? new BasicAWSCredentials(accessKeyId, secretAccessKey) : new SessionAWSCredentials(accessKeyId, secretAccessKey, sessionToken);

    private sealed class ReadKeys(KeySource source) : AWSCredentials
    {
        private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(0.5);
        private readonly Lock _gate = new();
        private ImmutableCredentials _keys = Immutable(source.AccessKeyId, source.SecretAccessKey, source.SessionToken);
        private long _looked = Environment.TickCount64;

        public override ImmutableCredentials GetCredentials()
        {
            lock (_gate)
            {
                if (Environment.TickCount64 - _looked >= LookEvery.TotalMilliseconds)
                {
                    _looked = Environment.TickCount64;
                    _keys = Read() ?? _keys;
                }

                return _keys;
            }
        }

        private ImmutableCredentials? Read()
        {
            try
            {
                return AwsProfiles.Read(source.ProfileFile).Find(source.Profile!) is { } found
                    && AwsProfiles.Of(found, "aws_access_key_id") is { } id && AwsProfiles.Of(found, "aws_secret_access_key") is { } secret
                    ? Immutable(id, secret, AwsProfiles.Of(found, "aws_session_token")) : null;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                return null; // it is being replaced, or belongs to another user
            }
        }

        private static ImmutableCredentials Immutable(string id, string secret, string? token) => new(id, secret, token);
    }
}
