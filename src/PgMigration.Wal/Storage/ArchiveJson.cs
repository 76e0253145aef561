using System.Text.Json.Serialization;

namespace PgMigration.Wal;

/// <summary>The JSON of our own files, generated at build time: native programs have no reflection to do it.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(ArchiveAccess))]
internal sealed partial class ArchiveJson : JsonSerializerContext;
