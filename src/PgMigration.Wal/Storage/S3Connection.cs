using System.Security.Cryptography;
using System.Text;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.S3;

namespace PgMigration.Wal;

/// <summary>
/// The SDK's client for one archive, made anew when its keys were refused and there are others where they came from: a restore takes hours
/// and a link days, and keys and session tokens are replaced meanwhile.
/// </summary>
/// <remarks>
/// The SDK renews what it gets from a role by itself; a profile's keys it reads once. Each client stays open until the end: downloads that
/// began with old keys go on, and there are only as many as there were keys.
/// </remarks>
internal sealed class S3Connection : IDisposable
{
    private static readonly TimeSpan NotMoreOftenThan = TimeSpan.FromSeconds(1);
    private readonly ArchiveAccess _access;
    private readonly Lock _gate = new();
    private readonly List<IAmazonS3> _all = [];
    private byte[]? _keys;
    private long _looked = long.MinValue / 2;

    /// <summary>Connects; nothing is sent yet.</summary>
    public S3Connection(ArchiveAccess access)
    {
        _access = access;
        _keys = access.HasKeys ? Hash(access.AccessKeyId!, access.SecretAccessKey!, access.SessionToken) : Hash(Stored());
        _all.Add(S3Client.Connect(access));
    }

    /// <summary>The client with the newest keys.</summary>
    public IAmazonS3 Client
    {
        get
        {
            lock (_gate)
            {
                return _all[^1];
            }
        }
    }

    /// <summary>A request was refused. Returns whether there are other keys by now, with which it is worth another attempt.</summary>
    public bool Renew(IAmazonS3 refused)
    {
        lock (_gate)
        {
            if (_all[^1] != refused)
            {
                return true; // somebody else has seen to it
            }

            if (Environment.TickCount64 - _looked < NotMoreOftenThan.TotalMilliseconds)
            {
                return false;
            }

            _looked = Environment.TickCount64;
            if (Stored() is not { } stored || Hash(stored) is not { } keys || (_keys is not null && keys.AsSpan().SequenceEqual(_keys)))
            {
                return false;
            }

            _keys = keys;
            _all.Add(S3Client.Connect(_access, stored));
            return true;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _all.ForEach(client => client.Dispose());
        }
    }

    /// <summary>What the profile holds now; null when there is none, or when its file is closed to this user.</summary>
    private AWSCredentials? Stored()
    {
        string? profile = _access.Profile ?? (_access.HasKeys || Environment.GetEnvironmentVariable("AWS_ACCESS_KEY_ID") is { Length: > 0 }
            ? null : Environment.GetEnvironmentVariable("AWS_PROFILE") is { Length: > 0 } named ? named : "default");
        try
        {
            return profile is not null && new CredentialProfileStoreChain(_access.ProfileFile).TryGetProfile(profile, out var found)
                && found.Options is { AccessKey.Length: > 0, SecretKey.Length: > 0, RoleArn: null }
                ? string.IsNullOrEmpty(found.Options.Token)
                    ? new BasicAWSCredentials(found.Options.AccessKey, found.Options.SecretKey)
                    : new SessionAWSCredentials(found.Options.AccessKey, found.Options.SecretKey, found.Options.Token)
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or AmazonClientException)
        {
            return null; // it is being replaced, or another user's
        }
    }

    private static byte[]? Hash(AWSCredentials? credentials) =>
        credentials?.GetCredentials() is { } keys ? Hash(keys.AccessKey, keys.SecretKey, keys.Token) : null;

    private static byte[] Hash(string accessKey, string secretKey, string? token) => SHA256.HashData(Encoding.UTF8.GetBytes($"{accessKey}\n{secretKey}\n{token}"));
}
