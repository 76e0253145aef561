using System.Net;
using Amazon.Runtime;

namespace PgMigration.Wal;

/// <summary>The role of a container (ECS, EKS Pod Identity), from the address that its environment names.</summary>
internal sealed record ContainerSource(Uri Address) : AwsCredentialSource
{
    // https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
    private static readonly string[] PlainHosts = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];

    /// <summary>The file that holds what the service asks for; null for none. It is read again each time.</summary>
    public string? TokenFile { get; init; }

    /// <summary>What the service asks for; null for nothing.</summary>
    public string? Token { get; init; }

    /// <inheritdoc/>
    protected override string Kind => "the container's role";

    /// <summary>What the environment names; null when it names none.</summary>
    /// <exception cref="MigrationException"><c>AwsSettingInvalid</c>: the address would take the token elsewhere.</exception>
    public static ContainerSource? OfEnvironment()
    {
        string? relative = AwsProfiles.Variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        string? full = relative is not null ? "http://169.254.170.2" + relative : AwsProfiles.Variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        if (full is null)
        {
            return null;
        }

        return Uri.TryCreate(full, UriKind.Absolute, out var address) && (address.Scheme == "https" || (address.Scheme == "http" && (address.IsLoopback || PlainHosts.Contains(address.Host))))
            ? new ContainerSource(address)
            {
                TokenFile = AwsProfiles.Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") is { } file ? Path.GetFullPath(file) : null, Token = AwsProfiles.Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
            }
            : throw new MigrationException("AwsSettingInvalid", MigrationErrorKind.InvalidArgument,
                $"AWS_CONTAINER_CREDENTIALS_{(relative is null ? "FULL" : "RELATIVE")}_URI does not lead to a container's credential service. Expected https, or http to this machine, 169.254.170.2 or 169.254.170.23.");
    }

    /// <inheritdoc/>
    public override AWSCredentials Make() => new RenewedCredentials(this, async () =>
    {
        string? token = TokenFile is null ? Token : (await File.ReadAllTextAsync(TokenFile)).Trim();
        var (status, text) = await MetadataHttp.AskAsync(HttpMethod.Get, Address, token is null ? [] : [("Authorization", token)]);
        string from = $"{Address.GetLeftPart(UriPartial.Authority)} (AWS_CONTAINER_CREDENTIALS)";
        return status == HttpStatusCode.OK ? IssuedKeys.OfJson(text, from) : throw new AmazonClientException($"{from} answered {(int)status}");
    });
}
