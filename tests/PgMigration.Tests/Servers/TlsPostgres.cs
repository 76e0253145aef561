using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PgMigration.Tests;

/// <summary>A server with TLS, whose certificate an authority of our own signed for <c>localhost</c> only; and another authority that did not sign it.</summary>
public sealed class TlsPostgres : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pgm-tls-").FullName;

    public TestPostgres Postgres { get; private set; } = null!;

    public string Authority => Path.Combine(_folder, "authority.pem");

    public string Stranger => Path.Combine(_folder, "stranger.pem");

    /// <summary>The server by a name that its certificate holds, or by an address that it does not hold.</summary>
    public PgServer By(string host) => new(host, Postgres.Port, "postgres", "postgres");

    public async Task InitializeAsync()
    {
        using var authority = NewAuthority("CN=Our authority");
        using var stranger = NewAuthority("CN=A stranger");
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1), RandomNumberGenerator.GetBytes(8));
        await File.WriteAllTextAsync(Authority, authority.ExportCertificatePem());
        await File.WriteAllTextAsync(Stranger, stranger.ExportCertificatePem());
        Postgres = await TestPostgres.StartAsync(
            ["listen_addresses = 'localhost'", "ssl = on", "ssl_cert_file = 'server.crt'", "ssl_key_file = 'server.key'"],
            async server =>
            {
                await server.WriteDataFileAsync("server.crt", certificate.ExportCertificatePem());
                await server.WriteDataFileAsync("server.key", key.ExportPkcs8PrivateKeyPem());
            });
        await TestPostgres.ExecuteAsync(Postgres.Server, "CREATE ROLE tls_only LOGIN PASSWORD 'right' IN ROLE needs_password");
    }

    public async Task DisposeAsync()
    {
        await Postgres.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static X509Certificate2 NewAuthority(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(2));
    }
}
