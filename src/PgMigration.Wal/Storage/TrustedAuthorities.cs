using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Amazon.Runtime;

namespace PgMigration.Wal;

/// <summary>Makes the SDK's HTTP clients trust further certificate authorities (WALG_S3_CA_CERT_FILE), beside the machine's own.</summary>
internal sealed class TrustedAuthorities : HttpClientFactory
{
    private readonly X509Certificate2Collection _authorities = [];

    /// <summary>Trusts the certificates of a PEM text.</summary>
    public TrustedAuthorities(string pem) => _authorities.ImportFromPem(pem);

    /// <inheritdoc/>
    public override HttpClient CreateHttpClient(IClientConfig clientConfig)
    {
        var handler = new HttpClientHandler
        {
            AllowAutoRedirect = false, // a signature is for one address
            ServerCertificateCustomValidationCallback = (_, certificate, _, errors) =>
                errors == SslPolicyErrors.None || (errors == SslPolicyErrors.RemoteCertificateChainErrors && certificate is not null && IsSigned(certificate)),
        };
        return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    private bool IsSigned(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck; // such authorities publish no lists, and the handler's default is the same
        return chain.Build(certificate);
    }
}
