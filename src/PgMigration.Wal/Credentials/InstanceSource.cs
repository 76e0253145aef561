using System.Net;
using System.Text.Json.Serialization;
using Amazon.Runtime;

namespace PgMigration.Wal;

/// <summary>The role of an EC2 instance, from its metadata service (IMDSv2; version 1 where that is all there is).</summary>
internal sealed record InstanceSource : AwsCredentialSource
{
    private static readonly Uri OfAws = new("http://169.254.169.254");

    /// <summary>Where the metadata service listens; null for the usual address.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Whether nothing names it: then its absence means that there are no credentials at all.</summary>
    [JsonIgnore]
    public bool IsLastResort { get; init; }

    /// <inheritdoc/>
    protected override string Kind => "the instance's role";

    /// <summary>The service, as the environment names it.</summary>
    /// <exception cref="MigrationException"><c>EndpointInvalid</c>.</exception>
    public static InstanceSource OfEnvironment() => new()
    {
        Endpoint = AwsProfiles.Variable("AWS_EC2_METADATA_SERVICE_ENDPOINT") is { } named ? ArchiveAccess.ParseEndpoint(named)
            : string.Equals(AwsProfiles.Variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), "IPv6", StringComparison.OrdinalIgnoreCase) ? new Uri("http://[fd00:ec2::254]") : null,
    };

    /// <inheritdoc/>
    public override AWSCredentials Make() => new RenewedCredentials(this, IssueAsync);

    private async Task<IssuedKeys> IssueAsync()
    {
        try
        {
            string? token = await TokenAsync();
            string role = (await AskAsync(string.Empty, token)).Split('\n')[0].Trim();
            var keys = IssuedKeys.OfJson(await AskAsync(role, token), "the metadata service");

            // During an outage of theirs it gives out the old ones, which AWS goes on accepting.
            return keys.Expires > DateTime.UtcNow ? keys : keys with { Expires = DateTime.UtcNow.AddMinutes(5) };
        }
        catch (Exception error) when (IsLastResort && (error is HttpRequestException or OperationCanceledException or AmazonClientException))
        {
            throw AwsCredentialErrors.Missing($"the metadata service of an instance gave none ({AwsCredentialErrors.Reason(error)})", error);
        }
    }

    private async Task<string?> TokenAsync()
    {
        var (status, text) = await MetadataHttp.AskAsync(HttpMethod.Put, At("/latest/api/token"), ("X-aws-ec2-metadata-token-ttl-seconds", "21600"));
        return status switch
        {
            HttpStatusCode.OK => text,
            HttpStatusCode.Forbidden or HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed => null, // only version 1
            _ => throw new AmazonClientException($"the metadata service answered {(int)status} when asked for a token"),
        };
    }

    private async Task<string> AskAsync(string role, string? token)
    {
        var (status, text) = await MetadataHttp.AskAsync(HttpMethod.Get, At("/latest/meta-data/iam/security-credentials/" + role), token is null ? [] : [("X-aws-ec2-metadata-token", token)]);
        return status switch
        {
            HttpStatusCode.OK => text,
            HttpStatusCode.NotFound => throw new AmazonClientException("the instance has no role"),
            _ => throw new AmazonClientException($"the metadata service answered {(int)status}"),
        };
    }

    private Uri At(string path) => new((Endpoint ?? OfAws).AbsoluteUri.TrimEnd('/') + path);
}
