using System.Security.Cryptography;
using System.Text;
using Amazon.Runtime;
using Amazon.S3;

namespace PgMigration.Wal;

/// <summary>
/// The SDK's client for one archive, made again when its keys were refused and there are others where they came from: a restore takes hours
/// and a link days, and keys and session tokens are replaced meanwhile.
/// </summary>
/// <remarks>Each client stays open until the end: downloads that began with old keys continue, and there are only as many as there were keys.</remarks>
internal sealed class S3Connection : IDisposable
{
    private static readonly TimeSpan NotMoreOftenThan = TimeSpan.FromSeconds(1);
    private readonly ArchiveAccess _access;
    private readonly AWSCredentials _credentials;
    private readonly Lock _gate = new();
    private readonly List<IAmazonS3> _all = [];
    private byte[]? _keys;
    private long _looked = long.MinValue / 2;

    /// <summary>Connects; nothing is sent yet.</summary>
    public S3Connection(ArchiveAccess access)
    {
        _access = S3Client.Resolve(access);
        _credentials = access.Identity.Credentials();
        _keys = Known();
        _all.Add(S3Client.Connect(_access, _credentials));
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
                return true; // another request has renewed them
            }

            if (Environment.TickCount64 - _looked < NotMoreOftenThan.TotalMilliseconds)
            {
                return false;
            }

            _looked = Environment.TickCount64;
            if (_credentials is RenewedCredentials renewed ? !renewed.Renew() : Known() is not { } keys || keys.AsSpan().SequenceEqual(_keys))
            {
                return false;
            }

            _keys = Known();
            _all.Add(S3Client.Connect(_access, _credentials));
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

    /// <summary>A hash of the keys of now; null where a service must be asked for them.</summary>
    private byte[]? Known()
    {
        if (_credentials is RenewedCredentials)
        {
            return null;
        }

        var keys = _credentials.GetCredentials();
        return SHA256.HashData(Encoding.UTF8.GetBytes($"{keys.AccessKey}\n{keys.SecretKey}\n{keys.Token}"));
    }
}
