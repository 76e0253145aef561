using System.Text.Json;
using System.Text.Json.Serialization;

namespace PgMigration;

/// <summary>How DMS writes its messages: JSON with the SDK's member names, times as seconds since 1970, and nothing for what is not said.</summary>
/// <remarks>The shapes are in PgMigration.DmsModel. JavaScript clients fail on times that are texts.</remarks>
public static class DmsJson
{
    /// <summary>The media type of requests and answers.</summary>
    public const string ContentType = "application/x-amz-json-1.1";

    /// <summary>What stands before the operation's name in the header X-Amz-Target.</summary>
    public const string TargetPrefix = "AmazonDMSv20160101.";

    /// <summary>For the serializer, on both sides.</summary>
    public static JsonSerializerOptions Options { get; } = new()
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new EpochSeconds() },
    };

    // Milliseconds are all that AWS gives; the SDKs read fractions.
    private sealed class EpochSeconds : JsonConverter<DateTime>
    {
        public override DateTime Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            DateTime.UnixEpoch.AddMilliseconds(Math.Round(reader.GetDouble() * 1000));

        public override void Write(Utf8JsonWriter writer, DateTime value, JsonSerializerOptions options) =>
            writer.WriteNumberValue((decimal)(long)(value.ToUniversalTime() - DateTime.UnixEpoch).TotalMilliseconds / 1000);
    }
}
