using System.Net.Security;

namespace PgMigration;

public sealed partial class PgServer
{
    // SSLRequest, PostgreSQL's manual, "Message Formats": length 8, code 80877103.
    private static readonly byte[] SslRequest = [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f];

    /// <summary>Whether require_auth and channel_binding let the password go out in this way; such a session knows no channel binding.</summary>
    internal bool MayLogInBy(string method) => _settings.ChannelBinding != "require" && RequiredAuthentication.Allows(_settings.RequireAuth, method);

    /// <summary>For a session that the driver cannot hold (PgBouncer's console): the stream with the TLS that this server was asked for.</summary>
    /// <exception cref="MigrationException"><c>TlsRefused</c>, <c>TlsCertificateRejected</c>: never quietly weaker than asked for.</exception>
    internal async Task<Stream> SecureAsync(Stream stream, CancellationToken cancel)
    {
        if (_settings.IsSocket || SslMode is "disable" or "allow")
        {
            return stream;
        }

        await stream.WriteAsync(SslRequest, cancel);
        var answer = new byte[1];
        await stream.ReadExactlyAsync(answer, cancel);
        if (answer[0] != 'S')
        {
            return SslMode == "prefer" ? stream
                : throw new MigrationException("TlsRefused", MigrationErrorKind.Connection, $"{Host}:{Port} does not offer TLS, which sslmode={SslMode} demands.");
        }

        var options = new SslClientAuthenticationOptions();
        TlsRules.For(_settings).Apply(options);
        var secured = new SslStream(stream);
        try
        {
            await secured.AuthenticateAsClientAsync(options, cancel);
            return secured;
        }
        catch (System.Security.Authentication.AuthenticationException error)
        {
            throw new MigrationException("TlsCertificateRejected", MigrationErrorKind.Connection, $"The certificate of {Host}:{Port} does not satisfy sslmode={SslMode}: {error.Message}", error);
        }
    }
}
