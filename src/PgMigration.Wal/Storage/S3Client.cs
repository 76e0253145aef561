using Amazon;
using Amazon.Runtime;
using Amazon.S3;

namespace PgMigration.Wal;

/// <summary>Makes the SDK's client as an <see cref="ArchiveAccess"/> says.</summary>
internal static class S3Client
{
    /// <summary>A client.</summary>
    /// <param name="access">Where and how, as <see cref="Resolve"/> made it.</param>
    /// <param name="credentials">The credentials that sign its requests.</param>
    public static IAmazonS3 Connect(ArchiveAccess access, AWSCredentials credentials)
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

        if (access.Endpoint is not null)
        {
            config.ServiceURL = access.Endpoint.AbsoluteUri;
            config.AuthenticationRegion = access.Region ?? "us-east-1"; // what other services expect by default
            bool ofAws = access.Endpoint.Host.EndsWith(".amazonaws.com", StringComparison.OrdinalIgnoreCase);
            config.ForcePathStyle = access.PathStyle ?? !ofAws;
        }
        else
        {
            string region = access.Region ?? throw new MigrationException("RegionMissing", MigrationErrorKind.InvalidArgument,
                $"The region of {access.Location} is not known. Give -Region, or set AWS_REGION.");
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
            config.UseDualstackEndpoint = access.UsesDualStack;
            config.ForcePathStyle = access.PathStyle ?? access.Location.Bucket!.Contains('.', StringComparison.Ordinal); // dots break the certificate's wildcard
        }

        return new AmazonS3Client(credentials, config);
    }

    /// <summary>The access with the region and the endpoint that the profile and the environment name, where it has none itself.</summary>
    public static ArchiveAccess Resolve(ArchiveAccess access) => access with
    {
        Region = access.Region ?? access.Identity.Region(),
        Endpoint = access.Endpoint ?? access.Identity.Endpoint("s3"),
    };
}
