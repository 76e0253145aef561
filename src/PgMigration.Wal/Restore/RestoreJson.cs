using System.Text.Json.Serialization;

namespace PgMigration.Wal;

/// <summary>The JSON of the files under <c>pgmigration/</c>, without reflection: the prefetcher is compiled ahead of time.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(RestoreRecord))]
[JsonSerializable(typeof(PrefetchStatus))]
internal sealed partial class RestoreJson : JsonSerializerContext;
