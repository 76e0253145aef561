using System.Text.Json.Serialization;
using Amazon.Runtime;
using Amazon.SecurityToken.Model;

namespace PgMigration.Wal;

/// <summary>A role that other credentials may assume.</summary>
internal sealed record RoleSource : AwsCredentialSource
{
    /// <summary>The role.</summary>
    public required string RoleArn { get; init; }

    /// <summary>What assumes it; a role again where they are chained.</summary>
    public required AwsCredentialSource Source { get; init; }

    /// <summary>The session's name, as CloudTrail shows it; null for one of ours.</summary>
    public string? SessionName { get; init; }

    /// <summary>What the role's trust policy asks for; null for nothing.</summary>
    public string? ExternalId { get; init; }

    /// <summary>How long the keys live; null for as long as STS gives them.</summary>
    public int? Seconds { get; init; }

    /// <summary>The region of STS; null for us-east-1.</summary>
    public string? Region { get; init; }

    /// <summary>Where STS listens; null for AWS itself.</summary>
    public Uri? Endpoint { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override bool Lasts => Source.Lasts;

    /// <inheritdoc/>
    protected override string Kind => $"the role {RoleArn}";

    /// <inheritdoc/>
    public override AWSCredentials Make()
    {
        var sts = AwsServices.Sts(Source.Make(), Endpoint, Region);
        return new RenewedCredentials(this, async () => IssuedKeys.Of((await sts.AssumeRoleAsync(new AssumeRoleRequest
        {
            RoleArn = RoleArn, RoleSessionName = SessionName ?? "pgmigration", ExternalId = ExternalId, DurationSeconds = Seconds,
        })).Credentials));
    }
}
