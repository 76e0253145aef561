using System.Text.Json;
using System.Text.Json.Serialization;

namespace PgMigration.Wal;

/// <summary>A backup's sentinel as WAL-G (versions 1 and 2) and WAL-E write it. Fields that are not here are passed over, however large.</summary>
internal sealed record BackupSentinel
{
    [JsonPropertyName("LSN")]
    public ulong? StartLsn { get; init; }

    [JsonPropertyName("FinishLSN")]
    public ulong? FinishLsn { get; init; }

    [JsonPropertyName("PgVersion")]
    public int? PgVersion { get; init; }

    [JsonPropertyName("SystemIdentifier")]
    public ulong? SystemIdentifier { get; init; }

    [JsonPropertyName("UncompressedSize")]
    public long? UncompressedSize { get; init; }

    [JsonPropertyName("CompressedSize")]
    public long? CompressedSize { get; init; }

    [JsonPropertyName("DataCatalogSize")]
    public long? DataCatalogSize { get; init; }

    [JsonPropertyName("Spec")]
    public JsonElement? Spec { get; init; }

    [JsonPropertyName("FilesMetadataDisabled")]
    public bool? FilesMetadataDisabled { get; init; }

    [JsonPropertyName("DeltaLSN")]
    public ulong? DeltaLsn { get; init; }

    [JsonPropertyName("DeltaFrom")]
    public string? DeltaFrom { get; init; }

    [JsonPropertyName("DeltaFullName")]
    public string? DeltaFullName { get; init; }

    [JsonPropertyName("Version")]
    public int? Version { get; init; }

    [JsonPropertyName("StartTime")]
    public DateTimeOffset? StartTime { get; init; }

    [JsonPropertyName("FinishTime")]
    public DateTimeOffset? FinishTime { get; init; }

    [JsonPropertyName("DateFmt")]
    public string? DateFormat { get; init; }

    [JsonPropertyName("Hostname")]
    public string? Hostname { get; init; }

    [JsonPropertyName("DataDir")]
    public string? DataDirectory { get; init; }

    [JsonPropertyName("IsPermanent")]
    public bool? IsPermanent { get; init; }

    // WAL-E's

    [JsonPropertyName("spec")]
    public JsonElement? WalESpec { get; init; }

    [JsonPropertyName("wal_segment_backup_stop")]
    public string? WalEStopSegment { get; init; }

    [JsonPropertyName("wal_segment_offset_backup_stop")]
    public JsonElement? WalEStopOffset { get; init; }

    [JsonPropertyName("expanded_size_bytes")]
    public long? WalESize { get; init; }
}
