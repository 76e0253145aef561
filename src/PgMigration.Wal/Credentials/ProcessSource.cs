using System.Text.Json.Serialization;
using Amazon.Runtime;

namespace PgMigration.Wal;

/// <summary>A program that prints credentials (<c>credential_process</c>).</summary>
internal sealed record ProcessSource(string Command) : AwsCredentialSource
{
    /// <inheritdoc/>
    [JsonIgnore]
    protected override string Kind => "the credential_process";

    /// <inheritdoc/>
    public override AWSCredentials Make() => new RenewedCredentials(this, async () =>
    {
        var made = await new ProcessAWSCredentials(Command).DetermineProcessCredentialAsync();
        return new IssuedKeys(made.Credentials.AccessKey, made.Credentials.SecretKey, made.Credentials.Token is { Length: > 0 } token ? token : null, made.Expiration);
    });
}
