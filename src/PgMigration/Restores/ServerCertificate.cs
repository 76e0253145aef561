using System.Globalization;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>A self-signed certificate for a restored server, as hosts have them: an app whose address says <c>sslmode=require</c> must be able to connect.</summary>
[SupportedOSPlatform("linux")]
internal static class ServerCertificate
{
    /// <summary>The certificate and its key, relative to the data directory.</summary>
    public static (string Certificate, string Key) Files { get; } = ($"{RestoreLayout.FolderName}/server.crt", $"{RestoreLayout.FolderName}/server.key");

    /// <summary>Makes them unless they are there.</summary>
    public static void Make(DataDirectoryFiles files)
    {
        if (File.Exists(files[Files.Certificate]) && File.Exists(files[Files.Key]))
        {
            return;
        }

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(string.Create(CultureInfo.InvariantCulture, $"CN={Environment.MachineName}"), key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddYears(10));
        files.WriteText(Files.Key, key.ExportPkcs8PrivateKeyPem() + "\n");
        files.WriteText(Files.Certificate, certificate.ExportCertificatePem() + "\n");
    }
}
