using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace PgMigration.Wal;

/// <summary>What the SDK's errors mean: worth another attempt or not, and in words with a next step.</summary>
internal static class S3Errors
{
    // https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    private static readonly HashSet<string> TransientCodes =
        ["InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout", "RequestTimeTooSkewed", "OperationAborted", "Throttling", "ThrottlingException", "RequestLimitExceeded"];

    private const string ArchivedCode = "InvalidObjectState"; // 403 as well, and no right would help

    private static readonly HashSet<string> ExpiryCodes = ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken", "RequestExpired", "InvalidAccessKeyId"];

    /// <summary>Whether the same request may succeed a little later.</summary>
    public static bool IsTransient(Exception error)
    {
        if (error is AmazonServiceException { StatusCode: not 0 } answer)
        {
            return (int)answer.StatusCode is >= 500 or 408 or 429 || TransientCodes.Contains(answer.ErrorCode ?? string.Empty);
        }

        // a certificate that is not trusted stays so, and a file or an assembly that is missing is no matter of the network
        return AwsFailures.IsNetwork(error);
    }

    /// <summary>Whether the credentials, or what they may do, were refused.</summary>
    public static bool IsRefusal(Exception error) =>
        error is AmazonServiceException { ErrorCode: not ArchivedCode } answer && (answer.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized || IsExpiry(answer));

    /// <summary>Whether it says that the keys are not valid any more. An answer to HEAD has no body that would say so: 400 or 403 is all.</summary>
    public static bool IsExpiry(Exception error) =>
        error is AmazonServiceException answer && (ExpiryCodes.Contains(answer.ErrorCode ?? string.Empty)
            || (answer.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.BadRequest && (string.IsNullOrEmpty(answer.ErrorCode) || answer.ErrorCode == answer.StatusCode.ToString())));

    /// <summary>The error in words of ours. Nothing secret is in the SDK's texts: they name the key's id at most.</summary>
    public static MigrationException Explain(Exception error, ArchiveLocation location, string name)
    {
        if (error is MigrationException known)
        {
            return known;
        }

        if (Inner<AuthenticationException>(error) is { } tls)
        {
            return Error("ArchiveUnreachable", MigrationErrorKind.Connection, $"{location} cannot be reached: the TLS handshake failed: {tls.Message}", error);
        }

        if (error is not AmazonServiceException { StatusCode: not 0 } answer)
        {
            return error switch
            {
                _ when IsTransient(error) => Error("ArchiveUnreachable", MigrationErrorKind.Connection,
                    $"{location} cannot be reached ('{name}'): {Reason(error)} Check the network, the endpoint and the region; then do it again.", error),
                _ => Error("ArchiveRequestFailed", MigrationErrorKind.InvalidOperation, $"A request to {location} for '{name}' failed: {error.Message}", error),
            };
        }

        string code = answer.ErrorCode ?? string.Empty;
        return (answer.StatusCode, code) switch
        {
            (_, "NoSuchBucket") => Error("ArchiveNotFound", MigrationErrorKind.NotFound, $"The bucket '{location.Bucket}' does not exist. Check its name, the endpoint and the region.", error),
            (_, ArchivedCode) => ArchivedObjects.Refusal("S3 does not give", location.Url, Archived(answer, name), error),
            (HttpStatusCode.NotFound, _) => ArchiveStorage.NotFound(location.Url, name, error),
            (_, "ExpiredToken" or "ExpiredTokenException" or "TokenRefreshRequired") =>
                Error("ArchiveCredentialsExpired", MigrationErrorKind.PermissionDenied, $"The credentials for {location} have expired. Get new ones and do it again.", error),
            (HttpStatusCode.MovedPermanently or HttpStatusCode.TemporaryRedirect, _) or (_, "AuthorizationHeaderMalformed" or "PermanentRedirect") =>
                Error("ArchiveRegionWrong", MigrationErrorKind.InvalidArgument, $"The bucket '{location.Bucket}' lies in another region: {answer.Message} Give that one with -Region.", error),
            (HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized, _) =>
                Error("ArchiveAccessDenied", MigrationErrorKind.PermissionDenied,
                    $"{location} refuses '{name}' ({(code.Length == 0 ? answer.StatusCode.ToString() : code)}). Expected credentials with s3:ListBucket on the bucket and s3:GetObject on its objects (s3:PutObject to write).", error),
            _ when IsTransient(error) => Error("ArchiveUnreachable", MigrationErrorKind.Connection, $"{location} keeps answering {(int)answer.StatusCode} {code} for '{name}'. Try again later.", error),
            _ => Error("ArchiveRequestFailed", MigrationErrorKind.InvalidOperation, $"{location} answered {(int)answer.StatusCode} {code} for '{name}': {answer.Message}", error),
        };
    }

    private static MigrationException Error(string id, MigrationErrorKind kind, string message, Exception cause) => new(id, kind, message, cause);

    private static ArchiveObject Archived(AmazonServiceException answer, string name)
    {
        var state = answer as InvalidObjectStateException;
        string storageClass = string.IsNullOrEmpty(state?.StorageClass?.Value) ? "GLACIER or DEEP_ARCHIVE, or an archive tier" : state.StorageClass.Value;
        return new ArchiveObject(name, 0, default)
        {
            StorageClass = string.IsNullOrEmpty(state?.AccessTier?.Value) ? storageClass : $"{storageClass} ({state.AccessTier.Value})", State = ArchivedState.Archived,
        };
    }

    private static string Reason(Exception error)
    {
        var socket = Inner<SocketException>(error);
        bool isAborted = socket?.SocketErrorCode == SocketError.OperationAborted; // by our own time limit: "Operation canceled" would say that somebody did
        if (socket is not null && !isAborted)
        {
            return socket.Message + ".";
        }

        return isAborted || (Inner<OperationCanceledException>(error) is not null && Inner<HttpRequestException>(error) is null) ? "no answer within the time limit." : error.GetBaseException().Message.TrimEnd('.') + ".";
    }

    private static T? Inner<T>(Exception? error)
        where T : Exception
    {
        for (; error is not null; error = error.InnerException)
        {
            if (error is T found)
            {
                return found;
            }
        }

        return null;
    }
}
