using System.Text.Json.Serialization;

namespace PgMigration.Wal;

/// <summary>The JSON beside a backup, generated at build time: native programs have no reflection to do it.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(BackupSentinel))]
[JsonSerializable(typeof(BackupMetadata))]
internal sealed partial class BackupJson : JsonSerializerContext;
