using System.Management.Automation;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.InteropServices;
using Amazon.Runtime;
using Npgsql;

namespace PgMigration.Cmdlets;

/// <summary>Turns exceptions into ErrorRecords: a stable id, a category that fits, and a text without secrets.</summary>
internal static class ErrorRecords
{
    /// <summary>The record of one failure.</summary>
    /// <param name="failure">What was thrown; wrappers around a single cause are taken off.</param>
    /// <param name="target">What it went wrong with; null when nothing says it better than the text.</param>
    public static ErrorRecord For(Exception failure, object? target = null)
    {
        while (failure is AggregateException { InnerExceptions.Count: 1 } or TargetInvocationException { InnerException: not null })
        {
            failure = failure.InnerException!;
        }

        if (failure is IContainsErrorRecord { ErrorRecord: { } record } && failure is RuntimeException)
        {
            return record; // the engine's own: a script block's throw, a path without a drive
        }

        var (id, category) = Classify(failure);
        return new ErrorRecord(Redaction.Of(failure, id), id, category, target);
    }

    /// <summary>The record of work that a signal ended, after its clean-up.</summary>
    public static ErrorRecord Interrupted(PosixSignal signal, Exception? failure)
    {
        string text = failure is null ? $"{signal} arrived while the command ran; it ran to its end before it stopped."
            : failure is OperationCanceledException ? $"{signal} arrived: the command was stopped and has cleaned up."
            : $"{signal} arrived: the command was stopped, and cleaning up failed: {For(failure)}";
        return new ErrorRecord(new OperationCanceledException(text), "MigrationInterrupted", ErrorCategory.OperationStopped, signal);
    }

    private static (string Id, ErrorCategory Category) Classify(Exception failure) => failure switch
    {
        MigrationException known => (known.ErrorId, CategoryOf(known.Kind)),
        PostgresException server => ($"Postgres{server.SqlState}", CategoryOf(server.SqlState)),
        NpgsqlException { InnerException: TimeoutException } => ("PostgresTimeout", ErrorCategory.OperationTimeout),
        NpgsqlException => ("PostgresConnection", ErrorCategory.ConnectionError),
        AmazonServiceException service => ($"Aws{service.ErrorCode}", CategoryOf(service)),
        AmazonClientException => ("AwsClient", ErrorCategory.ConnectionError),
        HttpRequestException or SocketException => ("NetworkUnreachable", ErrorCategory.ConnectionError),
        TimeoutException => ("TimedOut", ErrorCategory.OperationTimeout),
        OperationCanceledException => ("Canceled", ErrorCategory.OperationStopped),
        UnauthorizedAccessException => ("PathAccessDenied", ErrorCategory.PermissionDenied),
        FileNotFoundException or DirectoryNotFoundException => ("PathNotFound", ErrorCategory.ObjectNotFound),
        InvalidDataException or EndOfStreamException => ("DataInvalid", ErrorCategory.InvalidData),
        IOException io when IsDiskFull(io) => ("DiskFull", ErrorCategory.ResourceUnavailable),
        IOException => ("ReadOrWriteFailed", ErrorCategory.DeviceError),
        ArgumentException or FormatException => ("ArgumentInvalid", ErrorCategory.InvalidArgument),
        PlatformNotSupportedException => ("PlatformNotSupported", ErrorCategory.NotImplemented),
        InvalidOperationException => ("OperationInvalid", ErrorCategory.InvalidOperation),
        _ => (failure.GetType().Name, ErrorCategory.NotSpecified),
    };

    private static ErrorCategory CategoryOf(MigrationErrorKind kind) => kind switch
    {
        MigrationErrorKind.InvalidArgument => ErrorCategory.InvalidArgument,
        MigrationErrorKind.NotFound => ErrorCategory.ObjectNotFound,
        MigrationErrorKind.Connection => ErrorCategory.ConnectionError,
        MigrationErrorKind.PermissionDenied => ErrorCategory.PermissionDenied,
        MigrationErrorKind.InvalidData => ErrorCategory.InvalidData,
        MigrationErrorKind.InvalidOperation => ErrorCategory.InvalidOperation,
        MigrationErrorKind.Timeout => ErrorCategory.OperationTimeout,
        MigrationErrorKind.ResourceUnavailable => ErrorCategory.ResourceUnavailable,
        MigrationErrorKind.NotSupported => ErrorCategory.NotImplemented,
        _ => ErrorCategory.NotSpecified,
    };

    // the classes of PostgreSQL's appendix "Error Codes"
    private static ErrorCategory CategoryOf(string sqlState) => sqlState switch
    {
        "42501" => ErrorCategory.PermissionDenied,
        "57014" => ErrorCategory.OperationStopped,
        "3D000" or "3F000" or "42P01" or "42704" => ErrorCategory.ObjectNotFound,
        _ => sqlState[..2] switch
        {
            "08" or "57" => ErrorCategory.ConnectionError,
            "28" => ErrorCategory.AuthenticationError,
            "42" => ErrorCategory.SyntaxError,
            "22" or "23" or "XX" => ErrorCategory.InvalidData,
            "53" => ErrorCategory.ResourceUnavailable,
            _ => ErrorCategory.InvalidOperation,
        },
    };

    private static ErrorCategory CategoryOf(AmazonServiceException service) => (int)service.StatusCode switch
    {
        401 or 403 => ErrorCategory.PermissionDenied,
        404 => ErrorCategory.ObjectNotFound,
        0 or >= 500 => ErrorCategory.ConnectionError,
        _ => ErrorCategory.InvalidOperation,
    };

    // ENOSPC, and ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL as HRESULTs
    private static bool IsDiskFull(IOException failure) => failure.HResult is 28 or unchecked((int)0x80070070) or unchecked((int)0x80070027);
}
