using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Npgsql;

namespace PgMigration;

/// <summary>What libpq's sslmode and sslrootcert mean for one connection.</summary>
/// <remarks>
/// Source: initialize_SSL in fe-secure-openssl.c. A root file that exists is checked against in every mode, so <c>require</c> with one is
/// <c>verify-ca</c>. In one point stricter than libpq: a root file that was named and is missing is an error in every mode.
/// </remarks>
internal sealed class TlsRules
{
    private static readonly string[] Modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

    private readonly ConnectionSettings _server;
    private readonly bool _isSystem;
    private readonly X509Certificate2Collection? _roots;

    private TlsRules(ConnectionSettings server, bool isSystem, X509Certificate2Collection? roots)
    {
        _server = server;
        _isSystem = isSystem;
        _roots = roots;
    }

    /// <summary>What the driver must do; the certificate is checked by <see cref="Apply"/> alone. A Unix-domain socket never has TLS.</summary>
    public SslMode DriverMode => _server.IsSocket ? Npgsql.SslMode.Disable : _server.SslMode switch
    {
        "disable" => Npgsql.SslMode.Disable,
        "allow" => Npgsql.SslMode.Allow,
        "prefer" => Npgsql.SslMode.Prefer,
        _ => Npgsql.SslMode.Require,
    };

    /// <exception cref="MigrationException"><c>ServerOptionInvalid</c>.</exception>
    public static void CheckMode(string mode, string? root)
    {
        if (!Modes.Contains(mode))
        {
            throw LibpqOption.InvalidValue("sslmode", Modes);
        }

        if (root == "system" && mode != "verify-full")
        {
            throw new MigrationException("ServerOptionInvalid", MigrationErrorKind.InvalidArgument,
                $"sslrootcert=system trusts every public authority, so sslmode={mode} would be too weak with it. Use sslmode=verify-full.");
        }
    }

    /// <summary>Reads the root file.</summary>
    /// <exception cref="MigrationException"><c>TlsRootCertificateMissing</c>, <c>TlsRootCertificateInvalid</c>.</exception>
    public static TlsRules For(ConnectionSettings server)
    {
        if (server.IsSocket || server.SslMode == "disable")
        {
            return new TlsRules(server, isSystem: false, roots: null);
        }

        if (server.SslRootCert == "system")
        {
            return new TlsRules(server, isSystem: true, roots: null);
        }

        string file = server.SslRootCert ?? UserFiles.InHome(Path.Combine(".postgresql", "root.crt"), "root.crt");
        if (File.Exists(file))
        {
            return new TlsRules(server, isSystem: false, ReadRoots(file));
        }

        if (server.SslRootCert is not null || server.SslMode is "verify-ca" or "verify-full")
        {
            throw new MigrationException("TlsRootCertificateMissing", MigrationErrorKind.NotFound,
                $"The root certificate file '{file}' does not exist, so the certificate of {server.Host} cannot be checked. Give the file with sslrootcert=, or sslrootcert=system for a public authority.");
        }

        return new TlsRules(server, isSystem: false, roots: null);
    }

    /// <summary>Sets the checks on a handshake.</summary>
    public void Apply(SslClientAuthenticationOptions options)
    {
        options.TargetHost = _server.Host;
        options.EnabledSslProtocols = _server.SslMinProtocolVersion switch
        {
            "TLSv1.3" => SslProtocols.Tls13,
            _ => SslProtocols.Tls12 | SslProtocols.Tls13, // libpq's least, too
        };
        if (_roots is not null)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(_roots);
            options.CertificateChainPolicy = policy;
        }

        options.RemoteCertificateValidationCallback = (_, certificate, _, errors) => IsTrusted(certificate, errors);
    }

    private static X509Certificate2Collection ReadRoots(string file)
    {
        var roots = new X509Certificate2Collection();
        try
        {
            roots.ImportFromPemFile(file);
        }
        catch (Exception error) when (error is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new MigrationException("TlsRootCertificateInvalid", MigrationErrorKind.InvalidData, $"The root certificate file '{file}' could not be read: {error.Message}", error);
        }

        return roots.Count > 0 ? roots
            : throw new MigrationException("TlsRootCertificateInvalid", MigrationErrorKind.InvalidData, $"The root certificate file '{file}' holds no certificate in PEM form.");
    }

    private bool IsTrusted(X509Certificate? certificate, SslPolicyErrors errors)
    {
        if (_isSystem || _server.SslMode == "verify-full")
        {
            return errors == SslPolicyErrors.None;
        }

        // without a root file, libpq encrypts and asks nothing of the certificate
        return certificate is not null && (_roots is null || (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None);
    }
}
