using System.Buffers;
using System.Text.Json;

namespace PgMigration.Wal;

/// <summary>Writes <c>files_metadata.json</c> and the tablespaces' specification as WAL-G has them.</summary>
internal static class BackupLists
{
    private const int FlushAt = 1 << 20;

    /// <summary>Writes which files there are and which part holds each, piece by piece: of a large cluster it is a large object.</summary>
    public static async Task WriteFilesAsync(Stream destination, IReadOnlyList<BackupPart> parts, CancellationToken cancel)
    {
        await using var json = new Utf8JsonWriter(destination);
        json.WriteStartObject();
        json.WriteStartObject("Files");
        foreach (var (name, modified) in parts.SelectMany(part => part.Written))
        {
            json.WriteStartObject(name);
            json.WriteBoolean("IsIncremented", false);
            json.WriteBoolean("IsSkipped", false);
            json.WriteString("MTime", modified);
            json.WriteNumber("UpdatesCount", 0);
            json.WriteEndObject();
            await FlushAsync(json, cancel);
        }

        json.WriteEndObject();
        json.WriteStartObject("TarFileSets");
        foreach (var part in parts)
        {
            json.WriteStartArray(part.Name);
            foreach (var (name, _) in part.Written)
            {
                json.WriteStringValue(name);
                await FlushAsync(json, cancel);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
        json.WriteStartObject("DatabasesByNames");
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>The specification of tablespaces: <c>{"base_prefix": …, "tablespaces": ["16400"], "16400": {"loc": …, "link": …}}</c>; null when there are none.</summary>
    public static JsonElement? Specification(string dataDirectory, IReadOnlyList<BackupTablespace> tablespaces)
    {
        if (tablespaces.Count == 0)
        {
            return null;
        }

        var text = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            json.WriteString("base_prefix", dataDirectory);
            json.WriteStartArray("tablespaces");
            foreach (var tablespace in tablespaces)
            {
                json.WriteStringValue(Oid(tablespace));
            }

            json.WriteEndArray();
            foreach (var tablespace in tablespaces)
            {
                json.WriteStartObject(Oid(tablespace));
                json.WriteString("loc", tablespace.Location);
                json.WriteString("link", "pg_tblspc/" + Oid(tablespace));
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        using var document = JsonDocument.Parse(text.WrittenMemory);
        return document.RootElement.Clone();
    }

    private static string Oid(BackupTablespace tablespace) => tablespace.Oid.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static async ValueTask FlushAsync(Utf8JsonWriter json, CancellationToken cancel)
    {
        if (json.BytesPending > FlushAt)
        {
            await json.FlushAsync(cancel);
        }
    }
}
