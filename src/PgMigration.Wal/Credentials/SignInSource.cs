using System.Security.Cryptography;
using System.Text;
using Amazon.Runtime;
using Amazon.Runtime.Credentials.Internal;
using Amazon.SSO.Model;
using Amazon.SSOOIDC;
using Amazon.Util;
using Amazon.Util.Internal;

namespace PgMigration.Wal;

/// <summary>A role by single sign-on (IAM Identity Center), with the token that <c>aws sso login</c> left in the user's home.</summary>
internal sealed record SignInSource : AwsCredentialSource
{
    /// <summary>The account.</summary>
    public required string AccountId { get; init; }

    /// <summary>The role, by its name.</summary>
    public required string RoleName { get; init; }

    /// <summary>The address at which people sign in.</summary>
    public required string StartUrl { get; init; }

    /// <summary>The region of the directory.</summary>
    public required string Region { get; init; }

    /// <summary>The <c>[sso-session]</c>; null for the older form, which renews no tokens.</summary>
    public string? Session { get; init; }

    /// <summary>The folder of the tokens, absolute.</summary>
    public required string Folder { get; init; }

    /// <summary>Where the service of roles listens; null for AWS itself.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Where the service of tokens listens; null for AWS itself.</summary>
    public Uri? TokenEndpoint { get; init; }

    /// <summary>What signs in again.</summary>
    public string Remedy => Profile is null or "default" ? "aws sso login" : $"aws sso login --profile {Profile}";

    /// <inheritdoc/>
    protected override string Kind => $"single sign-on as {RoleName} in the account {AccountId}";

    // botocore's SSOTokenLoader
    private string File => Path.Combine(Folder, Convert.ToHexStringLower(Sha1(Session ?? StartUrl)) + ".json");

    /// <inheritdoc/>
    public override AWSCredentials Make()
    {
        var roles = AwsServices.SignIn(Endpoint, Region);
        var tokens = AwsServices.SignInTokens(TokenEndpoint, Region);
        return new RenewedCredentials(this, async () =>
        {
            string token = await TokenAsync(tokens);
            var keys = (await roles.GetRoleCredentialsAsync(new GetRoleCredentialsRequest { AccessToken = token, AccountId = AccountId, RoleName = RoleName })).RoleCredentials;
            return new IssuedKeys(keys.AccessKeyId, keys.SecretAccessKey, keys.SessionToken, DateTimeOffset.FromUnixTimeMilliseconds(keys.Expiration ?? 0).UtcDateTime);
        });
    }

    private async Task<string> TokenAsync(AmazonSSOOIDCClient tokens)
    {
        if (!System.IO.File.Exists(File))
        {
            // closed to this user, or not there: opening it tells
            using var _ = System.IO.File.OpenRead(File);
        }

        // a new one each time: it would remember a token that aws sso login has replaced
        var manager = new SSOTokenManager(tokens, new SSOTokenFileCache(CryptoUtilFactory.CryptoInstance, new FileRetriever(), new DirectoryRetriever()));
        return (await manager.GetTokenAsync(new SSOTokenManagerGetTokenOptions
        {
            Session = Session, StartUrl = StartUrl, Region = Region, CacheFolderLocation = Folder, SupportsGettingNewToken = false,
        })).AccessToken;
    }

#pragma warning disable CA5350 // the name of a file, which the AWS CLI makes this way
    private static byte[] Sha1(string text) => SHA1.HashData(Encoding.UTF8.GetBytes(text));
#pragma warning restore CA5350
}
