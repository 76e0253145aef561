using System.Collections.Concurrent;
using Amazon;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;

namespace PgMigration.Wal;

/// <summary>Asks AWS KMS for the keys that objects carry wrapped in front. What was unwrapped before is remembered: an object is read more than once.</summary>
internal sealed class WrappedKeys(ArchiveAccess access)
{
    // Each wal-push makes a key of its own, so only a key that was used lately is ever wanted again.
    private const int Remembered = 256;
    private readonly ConcurrentDictionary<string, byte[]> _known = new();
    private readonly Lazy<IAmazonKeyManagementService> _client = new(() => Connect(access));

    /// <summary>The key in a wrapped one.</summary>
    /// <exception cref="KeyMismatchException">KMS says that it never wrapped this.</exception>
    /// <exception cref="MigrationException"><c>KmsAccessDenied</c>, <c>KmsUnreachable</c>.</exception>
    public async ValueTask<byte[]> UnwrapAsync(byte[] wrapped, CancellationToken cancel)
    {
        string name = Convert.ToBase64String(wrapped);
        if (_known.TryGetValue(name, out byte[]? key))
        {
            return key;
        }

        key = await AskAsync(wrapped, cancel);
        if (_known.Count >= Remembered)
        {
            _known.Clear();
        }

        return _known[name] = key;
    }

    private async Task<byte[]> AskAsync(byte[] wrapped, CancellationToken cancel)
    {
        string keyId = access.Encryption!.KmsKeyId!; // for errors only: older objects may be wrapped with another key, and KMS knows with which
        try
        {
            using var blob = new MemoryStream(wrapped, writable: false);
            var answer = await _client.Value.DecryptAsync(new DecryptRequest { CiphertextBlob = blob }, cancel);
            byte[] key = answer.Plaintext.ToArray();
            return key.Length == 32 ? key : throw new KeyMismatchException("KMS unwraps a key that is not 32 bytes long: it is none of WAL-G's.");
        }
        catch (AmazonServiceException error) when (error is InvalidCiphertextException or IncorrectKeyException)
        {
            throw new KeyMismatchException($"AWS KMS never wrapped the key in front of it ({error.ErrorCode}; WALG_CSE_KMS_ID is {keyId}). It is encrypted in another account or region, or not with KMS, or it was altered.", error);
        }
        catch (AmazonServiceException error) when ((int)error.StatusCode is > 0 and < 500 && !IsThrottling(error))
        {
            throw new MigrationException("KmsAccessDenied", MigrationErrorKind.PermissionDenied,
                $"AWS KMS refuses to unwrap keys with {keyId}: {error.ErrorCode} {error.Message} Expected credentials with kms:Decrypt on the key, and its region in WALG_CSE_KMS_REGION.", error);
        }
        catch (Exception error) when (error is not (MigrationException or KeyMismatchException) && !cancel.IsCancellationRequested && !AwsFailures.IsNetwork(error) && error is not AmazonServiceException)
        {
            throw new MigrationException("KmsRequestFailed", MigrationErrorKind.InvalidOperation, $"A request to AWS KMS, which unwraps the archive's keys, failed: {error.Message}", error);
        }
        catch (Exception error) when (error is not (MigrationException or KeyMismatchException) && !cancel.IsCancellationRequested)
        {
            throw new MigrationException("KmsUnreachable", MigrationErrorKind.Connection,
                $"AWS KMS, which unwraps the archive's keys, cannot be reached: {error.GetBaseException().Message.TrimEnd('.')}. Check the network and the region (WALG_CSE_KMS_REGION); then do it again.", error);
        }
    }

    private static bool IsThrottling(AmazonServiceException error) =>
        error.ErrorCode is { } code && (code.Contains("Throttl", StringComparison.Ordinal) || code.Contains("LimitExceeded", StringComparison.Ordinal));

    private static AmazonKeyManagementServiceClient Connect(ArchiveAccess access)
    {
        var config = new AmazonKeyManagementServiceConfig { MaxErrorRetry = 4, Timeout = TimeSpan.FromSeconds(20) };
        string? region = access.Encryption!.KmsRegion ?? access.Region ?? access.Identity.Region();
        if ((access.Encryption.KmsEndpoint ?? access.Identity.Endpoint("kms")) is { } endpoint)
        {
            config.ServiceURL = endpoint.AbsoluteUri;
            config.AuthenticationRegion = region ?? "us-east-1";
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region ?? throw new MigrationException("RegionMissing", MigrationErrorKind.InvalidArgument,
                "The region of the KMS key is not known. Set WALG_CSE_KMS_REGION or AWS_REGION."));
        }

        return new AmazonKeyManagementServiceClient(access.Identity.Credentials(), config);
    }
}
