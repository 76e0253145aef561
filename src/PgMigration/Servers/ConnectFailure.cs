using System.Net.Sockets;
using System.Security.Authentication;
using Npgsql;

namespace PgMigration;

/// <summary>Says in our words, with a stable id, why a connection could not be opened.</summary>
internal static class ConnectFailure
{
    /// <summary>The error to throw instead; null when the exception is none of a connection's (a cancellation, a bug).</summary>
    public static MigrationException? Explain(PgServer server, Exception error) => error switch
    {
        OperationCanceledException or MigrationException => null,
        PostgresException refused => ByServer(server, refused),
        NpgsqlException { InnerException: MigrationException ours } => ours,
        NpgsqlException or SocketException or TimeoutException or IOException or AuthenticationException => ByDriver(server, error),
        _ => null,
    };

    public static MigrationException PasswordMissing(PgServer server, PasswordFile file) =>
        new("PasswordMissing", MigrationErrorKind.PermissionDenied,
            $"{server.Host} asks for the password of '{server.User}', and none was given. {file.Problem ?? $"Put it into the server's text, a credential, PGPASSWORD, or a line of '{file.Path}'."}");

    private static MigrationException ByServer(PgServer server, PostgresException error)
    {
        string said = error.MessageText;
        var (id, kind, message) = error.SqlState switch
        {
            PostgresErrorCodes.InvalidPassword => ("LoginRefused", MigrationErrorKind.PermissionDenied, $"refused the login '{server.User}': {said}. Check the user and the password"),
            PostgresErrorCodes.InvalidAuthorizationSpecification => ("LoginRefused", MigrationErrorKind.PermissionDenied, $"refused the login '{server.User}': {said}. Check the user, its right to log in, and the server's pg_hba.conf"),
            PostgresErrorCodes.InvalidCatalogName => ("DatabaseNotFound", MigrationErrorKind.NotFound, $"has no database '{server.Database}'"),
            PostgresErrorCodes.InsufficientPrivilege => ("DatabaseAccessDenied", MigrationErrorKind.PermissionDenied, $"does not let '{server.User}' into the database '{server.Database}': {said}"),
            PostgresErrorCodes.TooManyConnections => ("ConnectionLimitReached", MigrationErrorKind.ResourceUnavailable, $"has no connection left for '{server.User}': {said}. Close some, or try again"),
            PostgresErrorCodes.CannotConnectNow => ("ServerNotReady", MigrationErrorKind.Connection, $"does not accept connections yet: {said}"),
            PostgresErrorCodes.ProtocolViolation when said.StartsWith("unsupported startup parameter", StringComparison.Ordinal) => ("ServerBehindPooler", MigrationErrorKind.InvalidArgument, $"is a connection pooler, which refuses the session's options ({said}). Give the server's own address"),
            _ => ("ConnectionRefused", MigrationErrorKind.Connection, $"refused the connection: {said} (SQLSTATE {error.SqlState})"),
        };
        return new MigrationException(id, kind, $"{Where(server)} {message}.", error);
    }

    private static MigrationException ByDriver(PgServer server, Exception error)
    {
        if (Find<AuthenticationException>(error) is not null)
        {
            return new MigrationException("TlsCertificateRejected", MigrationErrorKind.Connection,
                $"The TLS certificate of {Where(server)} was not accepted with sslmode={server.SslMode}: {Innermost(error).Message} Check that it names the host, and that sslrootcert holds the authority that signed it.", error);
        }

        // the driver has no type or code for these two
        if (error.Message.StartsWith("SSL connection requested", StringComparison.Ordinal))
        {
            return new MigrationException("TlsRefused", MigrationErrorKind.Connection,
                $"{Where(server)} does not offer TLS, and sslmode={server.SslMode} demands it. Enable it there, or choose a weaker sslmode knowingly.", error);
        }

        if (error.Message.Contains("ChannelBinding", StringComparison.Ordinal) || error.Message.Contains("authentication method is not allowed", StringComparison.Ordinal))
        {
            return new MigrationException("LoginRefused", MigrationErrorKind.PermissionDenied, $"{Where(server)} does not log in '{server.User}' in the way that channel_binding or require_auth demands: {error.Message}", error);
        }

        return new MigrationException("ServerUnreachable", MigrationErrorKind.Connection,
            $"{Where(server)} could not be reached: {Innermost(error).Message.TrimEnd('.')}. Check host, port, network and that the server runs.", error);
    }

    private static string Where(PgServer server) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"The server {server.Host}:{server.Port}");

    private static Exception Innermost(Exception error) => error.InnerException is null ? error : Innermost(error.InnerException);

    private static T? Find<T>(Exception? error)
        where T : Exception => error as T ?? (error is null ? null : Find<T>(error.InnerException));
}
