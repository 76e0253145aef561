using Amazon.Runtime;
using Amazon.SecurityToken.Model;

namespace PgMigration.Wal;

/// <summary>A role for whom an identity provider vouches with a token in a file, as in a pod of Kubernetes. The file is read again each time.</summary>
internal sealed record WebIdentitySource : AwsCredentialSource
{
    /// <summary>The role.</summary>
    public required string RoleArn { get; init; }

    /// <summary>The file that holds the token, absolute.</summary>
    public required string TokenFile { get; init; }

    /// <summary>The session's name; null for one of ours.</summary>
    public string? SessionName { get; init; }

    /// <summary>How long the keys live; null for as long as STS gives them.</summary>
    public int? Seconds { get; init; }

    /// <summary>The region of STS; null for us-east-1.</summary>
    public string? Region { get; init; }

    /// <summary>Where STS listens; null for AWS itself.</summary>
    public Uri? Endpoint { get; init; }

    /// <inheritdoc/>
    protected override string Kind => $"the role {RoleArn} by web identity";

    /// <inheritdoc/>
    public override AWSCredentials Make()
    {
        var sts = AwsServices.Sts(new AnonymousAWSCredentials(), Endpoint, Region);
        return new RenewedCredentials(this, async () => IssuedKeys.Of((await sts.AssumeRoleWithWebIdentityAsync(new AssumeRoleWithWebIdentityRequest
        {
            RoleArn = RoleArn, RoleSessionName = SessionName ?? "pgmigration", WebIdentityToken = (await File.ReadAllTextAsync(TokenFile)).Trim(), DurationSeconds = Seconds,
        })).Credentials));
    }
}
