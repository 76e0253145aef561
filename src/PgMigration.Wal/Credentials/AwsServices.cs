using Amazon;
using Amazon.Runtime;
using Amazon.SecurityToken;
using Amazon.SSO;
using Amazon.SSOOIDC;

namespace PgMigration.Wal;

/// <summary>The clients of the services that issue credentials.</summary>
internal static class AwsServices
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Where a service listens: as the environment or the profile says; null for AWS itself.</summary>
    /// <param name="service">As in a profile's services section: <c>sts</c>, <c>sso</c>, <c>sso_oidc</c>.</param>
    /// <param name="profiles">The files that hold the profile.</param>
    /// <param name="profile">The profile, if any.</param>
    /// <exception cref="MigrationException"><c>EndpointInvalid</c>.</exception>
    public static Uri? EndpointOf(string service, AwsProfiles? profiles, IReadOnlyDictionary<string, string>? profile)
    {
        if (AwsProfiles.Variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") is "true")
        {
            return null;
        }

        string? text = AwsProfiles.Variable("AWS_ENDPOINT_URL_" + service.ToUpperInvariant()) ?? AwsProfiles.Variable("AWS_ENDPOINT_URL") ?? profiles?.EndpointOf(profile, service);
        return text is null ? null : ArchiveAccess.ParseEndpoint(text);
    }

    /// <summary>STS.</summary>
    public static AmazonSecurityTokenServiceClient Sts(AWSCredentials credentials, Uri? endpoint, string? region) =>
        new(credentials, To(new AmazonSecurityTokenServiceConfig(), endpoint, region));

    /// <summary>The part of single sign-on that gives out the keys of roles.</summary>
    public static AmazonSSOClient SignIn(Uri? endpoint, string region) => new(new AnonymousAWSCredentials(), To(new AmazonSSOConfig(), endpoint, region));

    /// <summary>The part of single sign-on that renews tokens.</summary>
    public static AmazonSSOOIDCClient SignInTokens(Uri? endpoint, string region) => new(new AnonymousAWSCredentials(), To(new AmazonSSOOIDCConfig(), endpoint, region));

    private static T To<T>(T config, Uri? endpoint, string? region)
        where T : ClientConfig
    {
        config.MaxErrorRetry = 1; // who needs the keys tries again, too
        config.Timeout = Patience;
        config.ConnectTimeout = Patience;
        config.IgnoreConfiguredEndpointUrls = true; // they are resolved already, perhaps in another process
        if (endpoint is null)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region ?? "us-east-1");
        }
        else
        {
            config.ServiceURL = endpoint.AbsoluteUri;
            config.AuthenticationRegion = region ?? "us-east-1";
        }

        return config;
    }
}
