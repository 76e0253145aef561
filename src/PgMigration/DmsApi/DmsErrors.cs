using System.Net;
using System.Security.Authentication;
using Amazon.Runtime;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>DMS's faults in words of ours: <c>ResourceNotFoundFault</c> becomes an error with the id <c>DmsResourceNotFound</c>.</summary>
internal static class DmsErrors
{
    /// <summary>The error for whoever asked.</summary>
    /// <param name="error">The SDK's.</param>
    /// <param name="operation">What was asked.</param>
    /// <param name="access">Of whom.</param>
    public static MigrationException Explain(Exception error, string operation, DmsAccess access) => error switch
    {
        AmazonServiceException { StatusCode: not 0 } answer => OfFault(answer, operation, access),
        _ when IsNetwork(error) => new MigrationException("DmsUnreachable", MigrationErrorKind.Connection,
            $"{access} cannot be reached ({operation}): {Reason(error)}. Check the network, the endpoint and the region; then do it again.", error),
        _ => new MigrationException("DmsRequestFailed", MigrationErrorKind.InvalidOperation, $"A request to {access} failed ({operation}): {error.GetBaseException().Message}", error),
    };

    // a certificate that is not trusted is told as what it is, but by the same error
    private static bool IsNetwork(Exception error) => error.GetBaseException() is AuthenticationException || AwsFailures.IsNetwork(error);

    private static MigrationException OfFault(AmazonServiceException answer, string operation, DmsAccess access)
    {
        string fault = string.IsNullOrEmpty(answer.ErrorCode) ? answer.StatusCode.ToString() : answer.ErrorCode;
        string id = "Dms" + Without(Without(fault, "Fault"), "Exception");
        string text = $"{access} answered {operation} with {fault}: {answer.Message.TrimEnd('.')}.";
        var (kind, next) = fault switch
        {
            "ResourceNotFoundFault" => (MigrationErrorKind.NotFound, "Check the ARN, the region and the account."),
            "ResourceAlreadyExistsFault" => (MigrationErrorKind.InvalidOperation, string.Empty),
            "InvalidResourceStateFault" => (MigrationErrorKind.InvalidOperation, "Wait until it is in a state that allows this; Get-PgDmsReplication shows it."),
            "ResourceQuotaExceededFault" or "StorageQuotaExceededFault" or "InsufficientResourceCapacityFault" => (MigrationErrorKind.ResourceUnavailable, "Remove what is not used, choose another class or zone, or have the account's quota raised."),
            "ExpiredTokenException" or "ExpiredToken" or "RequestExpired" => (MigrationErrorKind.PermissionDenied, "The credentials have expired: get new ones and do it again."),
            "AccessDeniedFault" or "AccessDeniedException" => (MigrationErrorKind.PermissionDenied, $"Expected credentials with dms:{operation}, and where a role is named, iam:PassRole on it."),
            "InvalidSignatureException" or "UnrecognizedClientException" or "MissingAuthenticationTokenException" or "SignatureDoesNotMatch" or "IncompleteSignatureException" =>
                (MigrationErrorKind.PermissionDenied, "Check the keys, the region and this machine's clock."),
            "KMSKeyNotAccessibleFault" or "KMSAccessDeniedFault" or "KMSDisabledFault" or "KMSInvalidStateFault" or "KMSNotFoundFault" => (MigrationErrorKind.PermissionDenied, "DMS needs the key that encrypts what it keeps: mend the key's policy or name another."),
            "ThrottlingException" or "Throttling" or "RequestLimitExceeded" => (MigrationErrorKind.ResourceUnavailable, "The account asks too often; what was begun goes on. Do it again in a minute."),
            _ when (int)answer.StatusCode >= 500 => (MigrationErrorKind.Connection, "Try again later."),
            _ when answer.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized => (MigrationErrorKind.PermissionDenied, "Check the keys and what they may do."),
            _ => (MigrationErrorKind.InvalidArgument, string.Empty),
        };
        return new MigrationException(id, kind, $"{text} {next}".TrimEnd(), answer);
    }

    private static string Without(string text, string end) => text.EndsWith(end, StringComparison.Ordinal) ? text[..^end.Length] : text;

    private static string Reason(Exception error) =>
        error is OperationCanceledException || error.InnerException is OperationCanceledException or TimeoutException ? "no answer within the time limit"
        : error.GetBaseException() is AuthenticationException tls ? $"the TLS handshake failed: {tls.Message.TrimEnd('.')}"
        : error.GetBaseException().Message.TrimEnd('.');
}
