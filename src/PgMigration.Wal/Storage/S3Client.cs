using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.S3;

namespace PgMigration.Wal;

/// <summary>Makes the SDK's client as an <see cref="ArchiveAccess"/> says.</summary>
internal static class S3Client
{
    /// <summary>A client.</summary>
    /// <param name="access">Where and how.</param>
    /// <param name="credentials">Other credentials than the access names; null for those.</param>
    public static IAmazonS3 Connect(ArchiveAccess access, AWSCredentials? credentials = null)
    {
        var config = new AmazonS3Config
        {
            MaxErrorRetry = 0, // our own loop does it: the SDK's would only multiply the pauses
            Timeout = Timeout.InfiniteTimeSpan, // it would cut a long healthy body; each read has its own limit
            ConnectTimeout = TimeSpan.FromSeconds(10),

            // A checksum in the request makes the SDK send its own chunk format, which other services than AWS store as content.
            RequestChecksumCalculation = access.Endpoint is null ? RequestChecksumCalculation.WHEN_SUPPORTED : RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (access.CertificateAuthorities is not null)
        {
            config.HttpClientFactory = new TrustedAuthorities(access.CertificateAuthorities);
        }

        if (access.Profile is not null && !access.HasKeys)
        {
            config.Profile = new Profile(access.Profile, access.ProfileFile);
        }

        if (access.Endpoint is not null)
        {
            config.ServiceURL = access.Endpoint.AbsoluteUri;
            config.AuthenticationRegion = access.Region ?? KnownRegion(access) ?? "us-east-1"; // what other services expect by default
            bool ofAws = access.Endpoint.Host.EndsWith(".amazonaws.com", StringComparison.OrdinalIgnoreCase);
            config.ForcePathStyle = access.PathStyle ?? !ofAws;
        }
        else
        {
            string region = access.Region ?? KnownRegion(access) ?? throw new MigrationException("RegionMissing", MigrationErrorKind.InvalidArgument,
                $"The region of {access.Location} is not known. Give -Region, or set AWS_REGION.");
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
            config.UseDualstackEndpoint = access.UsesDualStack;
            config.ForcePathStyle = access.PathStyle ?? access.Location.Bucket!.Contains('.', StringComparison.Ordinal); // dots break the certificate's wildcard
        }

        credentials ??= Credentials(access);
        return credentials is not null ? new AmazonS3Client(credentials, config) : new AmazonS3Client(config);
    }

    /// <summary>The credentials that were given or that the profile holds; null for the usual chain.</summary>
    public static AWSCredentials? Credentials(ArchiveAccess access)
    {
        if (access.HasKeys)
        {
            return access.SessionToken is null
                ? new BasicAWSCredentials(access.AccessKeyId, access.SecretAccessKey)
                : new SessionAWSCredentials(access.AccessKeyId, access.SecretAccessKey, access.SessionToken);
        }

        if (access.Profile is null)
        {
            return null; // the usual chain, asked at the first request
        }

        return new CredentialProfileStoreChain(access.ProfileFile).TryGetAWSCredentials(access.Profile, out var credentials)
            ? credentials
            : throw new MigrationException("ProfileNotFound", MigrationErrorKind.NotFound,
                $"The AWS profile '{access.Profile}' was not found{(access.ProfileFile is null ? string.Empty : $" in '{access.ProfileFile}'")}, or holds no credentials. Expected a section [{access.Profile}] in ~/.aws/credentials, or [profile {access.Profile}] in ~/.aws/config.");
    }

    /// <summary>The region that the profile or the environment names; null when neither does.</summary>
    public static string? KnownRegion(ArchiveAccess access) =>
        access.Profile is not null && new CredentialProfileStoreChain(access.ProfileFile).TryGetProfile(access.Profile, out var profile) && profile.Region is not null
            ? profile.Region.SystemName
            : FallbackRegionFactory.GetRegionEndpoint()?.SystemName;
}
