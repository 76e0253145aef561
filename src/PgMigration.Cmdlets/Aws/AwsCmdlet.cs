using System.Management.Automation;
using PgMigration.Wal;

namespace PgMigration.Cmdlets;

/// <summary>What the cmdlets that reach AWS have in common: region and credentials, by the names that AWS.Tools gives them.</summary>
public abstract class AwsCmdlet : MigrationCmdlet
{
    /// <summary>The region; by default that of the session (Set-DefaultAWSRegion), the profile or AWS_REGION.</summary>
    [Parameter]
    [Alias("RegionToCall")]
    public string? Region { get; set; }

    /// <summary>A profile of the AWS configuration files: keys, a role, web identity, single sign-on or a credential_process. By default the session's credentials (Set-AWSCredential), else what AWS programs use.</summary>
    [Parameter]
    [Alias("StoredCredentials", "AWSProfileName")]
    public string? ProfileName { get; set; }

    /// <summary>The file that holds the profile, with a file config beside it, if any; by default ~/.aws/credentials and ~/.aws/config.</summary>
    [Parameter]
    [Alias("AWSProfilesLocation", "ProfilesLocation")]
    public string? ProfileLocation { get; set; }

    /// <summary>The id of an access key; -SecretKey goes with it.</summary>
    [Parameter]
    [Alias("AK")]
    public string? AccessKey { get; set; }

    /// <summary>The secret of the access key: a SecureString, or a string. It is never shown.</summary>
    [Parameter]
    [Alias("SK", "SecretAccessKey")]
    public object? SecretKey { get; set; }

    /// <summary>The session token of a temporary access key: a SecureString, or a string. It is never shown.</summary>
    [Parameter]
    [Alias("ST")]
    public object? SessionToken { get; set; }

    /// <summary>Credentials of AWS.Tools, such as New-AWSCredential and Get-AWSCredential return, or a PSCredential of an access key's id and its secret.</summary>
    [Parameter]
    public object? Credential { get; set; }

    /// <summary>The credentials that the parameters name; those of the session where they name none. At most one of the results is not null.</summary>
    /// <param name="withSession">Whether the session of AWS.Tools is asked.</param>
    /// <exception cref="MigrationException"><c>AwsParametersInvalid</c>, <c>SessionCredentialsUnreadable</c>.</exception>
    private protected AwsChoice Choose(bool withSession)
    {
        bool hasKey = (AccessKey ?? SecretKey ?? SessionToken) is not null;
        int named = (hasKey ? 1 : 0) + (Credential is null ? 0 : 1) + (ProfileName is null ? 0 : 1);
        if (named > 1)
        {
            throw Invalid("Credentials were given in more than one way. Expected one of -ProfileName, -AccessKey with -SecretKey, or -Credential.");
        }

        if (hasKey)
        {
            return AwsSecret.TextOf(SecretKey) is { Length: > 0 } secret && AccessKey is { Length: > 0 } id
                ? new AwsChoice(new AwsKeys(id, secret, AwsSecret.TextOf(SessionToken) is { Length: > 0 } token ? token : null), null)
                : throw Invalid("An access key needs both -AccessKey (its id) and -SecretKey (its secret, as SecureString or string), and a temporary one -SessionToken as well.");
        }

        object? stored = Credential ?? (withSession && ProfileName is null && ProfileLocation is null ? SessionVariable("StoredAWSCredentials") : null);
        return stored is null ? default : AwsSession.Of(stored, Credential is null ? "$StoredAWSCredentials" : "-Credential");
    }

    /// <summary>The region that was named, or that Set-DefaultAWSRegion stored; null for none.</summary>
    private protected string? NamedRegion() => Region ?? SessionVariable("StoredAWSRegion")?.ToString();

    /// <summary>The path of the profile's file; null for the usual ones.</summary>
    private protected string? ProfileFile() => ProfileLocation is null ? null : ResolvePath(ProfileLocation);

    private static MigrationException Invalid(string message) => new("AwsParametersInvalid", MigrationErrorKind.InvalidArgument, message);
}
