using System.Collections.Specialized;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace PgMigration.LocalDms;

/// <summary>Checks that a request was signed with the one key that this process knows.</summary>
/// <remarks>Source: the AWS general reference, "Signature Version 4 signing process". Faults as AWS's JSON services name them.</remarks>
/// <param name="key">The key.</param>
/// <param name="region">The region that requests must be signed for.</param>
internal sealed class Signature(AccessKey key, string region)
{
    private const string Algorithm = "AWS4-HMAC-SHA256";
    private const string Service = "dms";

    private static readonly TimeSpan LargestSkew = TimeSpan.FromMinutes(5);

    /// <summary>Refuses a request that is not signed as it must be.</summary>
    /// <param name="request">The request.</param>
    /// <param name="body">Its body.</param>
    /// <exception cref="Fault">MissingAuthenticationTokenException, IncompleteSignatureException, UnrecognizedClientException, InvalidSignatureException.</exception>
    public void Check(HttpListenerRequest request, ReadOnlySpan<byte> body) =>
        Check(request.HttpMethod, request.RawUrl ?? "/", request.Headers, body, DateTime.UtcNow);

    /// <summary>The same, at a given time.</summary>
    public void Check(string method, string path, NameValueCollection headers, ReadOnlySpan<byte> body, DateTime now)
    {
        string authorization = headers["Authorization"] ?? throw new Fault("MissingAuthenticationTokenException", "Missing Authentication Token");
        var fields = Fields(authorization);
        string[] scope = fields["Credential"].Split('/');
        string date = headers["X-Amz-Date"] ?? throw Incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
        if (scope is not [var id, var day, var signedRegion, var service, "aws4_request"])
        {
            throw Incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.");
        }

        if (!IsSame(id, key.Id) || !IsSame(headers["X-Amz-Security-Token"] ?? string.Empty, key.SessionToken ?? string.Empty))
        {
            throw new Fault("UnrecognizedClientException", "The security token included in the request is invalid.");
        }

        if (signedRegion != region || service != Service || !date.StartsWith(day, StringComparison.Ordinal))
        {
            throw Invalid($"Credential should be scoped to a valid region and service: expected {region}/{Service}, and the day of X-Amz-Date.");
        }

        if (!DateTime.TryParseExact(date, "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var signed))
        {
            throw Incomplete("Date must be in ISO-8601 'basic format'.");
        }

        if ((now - signed).Duration() > LargestSkew)
        {
            throw Invalid(string.Create(CultureInfo.InvariantCulture, $"Signature {(signed < now ? "expired" : "not yet current")}: {date} is more than {LargestSkew.TotalMinutes:0} min. from {now:yyyyMMdd'T'HHmmss'Z'}."));
        }

        string[] names = fields["SignedHeaders"].Split(';');
        if (!names.Contains("host") || !names.Contains("x-amz-date"))
        {
            throw Incomplete("'Host' and 'X-Amz-Date' must be signed headers.");
        }

        string canonical = string.Join('\n', [method, Path(path), Query(path), .. names.Select(name => $"{name}:{Trimmed(headers[name])}"), string.Empty, fields["SignedHeaders"], Hex(SHA256.HashData(body))]);
        string text = string.Join('\n', Algorithm, date, $"{day}/{region}/{Service}/aws4_request", Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical))));
        if (!IsSame(fields["Signature"], Hex(HMACSHA256.HashData(SigningKey(day), Encoding.UTF8.GetBytes(text)))))
        {
            throw Invalid("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.");
        }
    }

    private byte[] SigningKey(string day)
    {
        byte[] derived = Encoding.UTF8.GetBytes("AWS4" + key.Secret);
        foreach (string part in (string[])[day, region, Service, "aws4_request"])
        {
            derived = HMACSHA256.HashData(derived, Encoding.UTF8.GetBytes(part));
        }

        return derived;
    }

    private static Dictionary<string, string> Fields(string authorization)
    {
        if (!authorization.StartsWith(Algorithm + " ", StringComparison.Ordinal))
        {
            throw Incomplete($"Authorization header must begin with {Algorithm}.");
        }

        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string field in authorization[(Algorithm.Length + 1)..].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = field.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                fields[field[..equals]] = field[(equals + 1)..];
            }
        }

        string? missing = Array.Find(["Credential", "SignedHeaders", "Signature"], name => !fields.ContainsKey(name));
        return missing is null ? fields : throw Incomplete($"Authorization header requires '{missing}' parameter.");
    }

    private static string Path(string url) => url.Split('?')[0];

    private static string Query(string url)
    {
        string[] parts = url.Split('?', 2);
        return parts.Length < 2 ? string.Empty : string.Join('&', parts[1].Split('&').Select(pair => pair.Contains('=', StringComparison.Ordinal) ? pair : pair + "=").Order(StringComparer.Ordinal));
    }

    private static string Trimmed(string? value) => string.Join(' ', (value ?? string.Empty).Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);

    // of hashes, so that not even the length shows in the time it takes
    private static bool IsSame(string one, string other) =>
        CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(one)), SHA256.HashData(Encoding.UTF8.GetBytes(other)));

    private static Fault Incomplete(string message) => new("IncompleteSignatureException", message);

    private static Fault Invalid(string message) => new("InvalidSignatureException", message);
}
