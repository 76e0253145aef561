using System.Text.Json;
using Amazon.Runtime;

namespace PgMigration.Wal;

/// <summary>Keys that a service gave out. Shows itself without them.</summary>
internal readonly record struct IssuedKeys(string AccessKeyId, string SecretAccessKey, string? SessionToken, DateTime Expires)
{
    /// <summary>Keys as STS gives them.</summary>
    public static IssuedKeys Of(Amazon.SecurityToken.Model.Credentials keys) =>
        new(keys.AccessKeyId, keys.SecretAccessKey, keys.SessionToken, keys.Expiration?.ToUniversalTime() ?? DateTime.UtcNow.AddHours(1));

    /// <summary>Keys as the metadata services of containers and instances give them.</summary>
    /// <exception cref="AmazonClientException">There are none in it.</exception>
    public static IssuedKeys OfJson(string json, string from)
    {
        using var document = Parsed(json, from);
        var body = document.RootElement;
        string id = Value("AccessKeyId"), secret = Value("SecretAccessKey");
        bool expires = body.TryGetProperty("Expiration", out var text) && text.TryGetDateTimeOffset(out _);
        return new IssuedKeys(id, secret, Value("Token"), expires ? text.GetDateTimeOffset().UtcDateTime : DateTime.MaxValue);

        string Value(string name) => body.TryGetProperty(name, out var value) && value.GetString() is { Length: > 0 } found ? found
            : throw new AmazonClientException($"{from} answered without {name}{(body.TryGetProperty("Code", out var code) && code.ToString() != "Success" ? $" ({code})" : string.Empty)}");
    }

    /// <summary>The key's id is no secret, the rest is.</summary>
    public override string ToString() => AccessKeyId;

    private static JsonDocument Parsed(string json, string from)
    {
        try
        {
            var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document : throw new JsonException();
        }
        catch (JsonException)
        {
            throw new AmazonClientException($"{from} did not answer with credentials in JSON");
        }
    }
}
