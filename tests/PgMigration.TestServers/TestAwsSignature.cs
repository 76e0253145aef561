using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace PgMigration;

/// <summary>Recomputes the signature of a request, as AWS does (general reference, "Signature Version 4 signing process").</summary>
internal static class TestAwsSignature
{
    /// <summary>The key's id that a request was signed with; null when it is not signed.</summary>
    public static string? KeyOf(HttpListenerRequest request) =>
        request.Headers["Authorization"] is { } header && header.StartsWith("AWS4-HMAC-SHA256 ", StringComparison.Ordinal) ? Field(header, "Credential").Split('/')[0] : null;

    /// <summary>Whether a request was signed with a secret.</summary>
    public static bool IsBy(string secret, HttpListenerRequest request, byte[] body)
    {
        string header = request.Headers["Authorization"]!;
        string[] scope = Field(header, "Credential").Split('/', 2);
        string names = Field(header, "SignedHeaders");
        string hash = request.Headers["x-amz-content-sha256"] ?? Hex(SHA256.HashData(body));
        string canonical = string.Join('\n', [request.HttpMethod, request.RawUrl!.Split('?')[0], Query(request.RawUrl),
            .. names.Split(';').Select(name => $"{name}:{string.Join(' ', (request.Headers[name] ?? string.Empty).Split(' ', StringSplitOptions.RemoveEmptyEntries))}"), string.Empty, names, hash]);
        string text = string.Join('\n', "AWS4-HMAC-SHA256", request.Headers["x-amz-date"], scope[1], Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical))));
        byte[] key = scope[1].Split('/').Aggregate(Encoding.UTF8.GetBytes("AWS4" + secret), (derived, part) => HMACSHA256.HashData(derived, Encoding.UTF8.GetBytes(part)));
        return Field(header, "Signature") == Hex(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text)));
    }

    private static string Query(string url) => url.Split('?', 2) is not [_, var query] ? string.Empty
        : string.Join('&', query.Split('&').Select(pair => pair.Contains('=', StringComparison.Ordinal) ? pair : pair + "=").Order(StringComparer.Ordinal));

    private static string Field(string header, string name) =>
        header.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries).First(part => part.StartsWith(name + "=", StringComparison.Ordinal))[(name.Length + 1)..];

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
