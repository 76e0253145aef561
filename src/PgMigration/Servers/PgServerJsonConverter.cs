using System.Text.Json;
using System.Text.Json.Serialization;

namespace PgMigration;

/// <summary>Writes a server as its text form, which holds no secret, and reads it back.</summary>
public sealed class PgServerJsonConverter : JsonConverter<PgServer>
{
    /// <inheritdoc/>
    public override PgServer Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            throw new JsonException("A server is a text such as \"postgres://user@host:5432/database\".");
        }

        try
        {
            return PgServer.Parse(reader.GetString()!);
        }
        catch (MigrationException error)
        {
            throw new JsonException(error.Message, error);
        }
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, PgServer value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
