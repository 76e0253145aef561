using Amazon.Runtime;

namespace PgMigration.Wal;

/// <summary>Why there are no credentials: which were to be made, what failed, and what helps. None of it is ever reported as the network of the archive.</summary>
internal static class AwsCredentialErrors
{
    /// <summary>Nothing names any credentials.</summary>
    /// <param name="last">What was tried last.</param>
    /// <param name="cause">Why that failed, if it did.</param>
    public static MigrationException Missing(string last, Exception? cause = null) => new("AwsCredentialsMissing", MigrationErrorKind.PermissionDenied,
        $"There are no AWS credentials: none are given, in the environment, or in the profile '{AwsProfiles.DefaultName}', and {last}. Give -ProfileName, or -AccessKey and -SecretKey, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.", cause);

    /// <summary>A profile that is not there.</summary>
    /// <param name="profile">Its name.</param>
    /// <param name="profiles">The files that do not hold it.</param>
    /// <param name="namedBy">The profile that names it as its source; null for none.</param>
    public static MigrationException NotFound(string profile, AwsProfiles profiles, string? namedBy = null) => new("ProfileNotFound", MigrationErrorKind.NotFound,
        $"The AWS profile '{profile}'{(namedBy is null ? string.Empty : $", the source_profile of '{namedBy}',")} was not found. Expected a section [{profile}] in {profiles.CredentialsFile}, or [profile {profile}] in {profiles.ConfigFile}; 'aws configure list-profiles' shows those that there are.");

    /// <summary>A profile that says too little, or what is not supported.</summary>
    public static MigrationException Unusable(string profile, string why) => new("AwsProfileInvalid", MigrationErrorKind.InvalidArgument, $"The AWS profile '{profile}' {why}");

    /// <summary>Credentials that could not be made.</summary>
    public static MigrationException Explain(AwsCredentialSource source, Exception error)
    {
        string failed = $"AWS credentials could not be made from {source}: ";
        if (source is SignInSource signIn && IsEndOfSignIn(error))
        {
            return new MigrationException("AwsSignInExpired", MigrationErrorKind.PermissionDenied, $"{failed}the sign-on has expired, or there was none. Run '{signIn.Remedy}', then do it again.", error);
        }

        string next = source switch
        {
            _ when error is UnauthorizedAccessException or FileNotFoundException or DirectoryNotFoundException => $"Make it readable for {Environment.UserName}, or use other credentials.",
            RoleSource or WebIdentitySource when error is AmazonServiceException { StatusCode: not 0 } => "Check that the role exists, that its trust policy names who assumes it, and that its source is allowed sts:AssumeRole.",
            ProcessSource => "Run the command of the profile by hand: it must print JSON with Version 1, AccessKeyId and SecretAccessKey.",
            SignInSource or RoleSource or WebIdentitySource when AwsFailures.IsNetwork(error) => "Check that this machine reaches that service, and AWS_ENDPOINT_URL if it is set.",
            SignInSource => "Check the account and the role's name in the profile.",
            ContainerSource or InstanceSource => "Check that a role is attached and that this user reaches the service; an instance answers containers only with a hop limit above 1.",
            _ => "Use other credentials.",
        };
        return new MigrationException("AwsCredentialsFailed", MigrationErrorKind.PermissionDenied, $"{failed}{Reason(error)}. {next}", error);
    }

    /// <summary>What failed, in a few words and without secrets.</summary>
    public static string Reason(Exception error) => error switch
    {
        AmazonServiceException { StatusCode: not 0 } answer => $"{Service(answer)} answered {(string.IsNullOrEmpty(answer.ErrorCode) ? (int)answer.StatusCode : answer.ErrorCode)}: {Line(answer.Message)}",
        UnauthorizedAccessException or FileNotFoundException or DirectoryNotFoundException => Line(error.Message),
        _ when AwsFailures.IsNetwork(error) => $"the service that issues them cannot be reached: {(AwsFailures.Inner<OperationCanceledException>(error) is null ? Line(error.GetBaseException().Message) : "no answer in time")}",
        _ => Line(error.Message),
    };

    private static bool IsEndOfSignIn(Exception error) =>
        error is FileNotFoundException or DirectoryNotFoundException
        || error is AmazonServiceException { StatusCode: System.Net.HttpStatusCode.Unauthorized }
        || (error is AmazonClientException && error.Message.Contains("SSO Token", StringComparison.OrdinalIgnoreCase) && (error.InnerException is null || !AwsFailures.IsNetwork(error.InnerException)));

    private static string Service(AmazonServiceException answer) => answer switch
    {
        Amazon.SecurityToken.AmazonSecurityTokenServiceException => "STS",
        Amazon.SSO.AmazonSSOException or Amazon.SSOOIDC.AmazonSSOOIDCException => "single sign-on",
        _ => "the service",
    };

    private static string Line(string text) => text.ReplaceLineEndings(" ").Trim().TrimEnd('.');
}
