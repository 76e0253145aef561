using System.Text.Json.Serialization;

namespace PgMigration.Wal;

/// <summary>A backup's <c>metadata.json</c> as WAL-G writes it: what sentinels of version 1 leave out.</summary>
internal sealed record BackupMetadata
{
    [JsonPropertyName("start_time")]
    public DateTimeOffset? StartTime { get; init; }

    [JsonPropertyName("finish_time")]
    public DateTimeOffset? FinishTime { get; init; }

    [JsonPropertyName("date_fmt")]
    public string? DateFormat { get; init; }

    [JsonPropertyName("hostname")]
    public string? Hostname { get; init; }

    [JsonPropertyName("data_dir")]
    public string? DataDirectory { get; init; }

    [JsonPropertyName("pg_version")]
    public int? PgVersion { get; init; }

    [JsonPropertyName("start_lsn")]
    public ulong? StartLsn { get; init; }

    [JsonPropertyName("finish_lsn")]
    public ulong? FinishLsn { get; init; }

    [JsonPropertyName("is_permanent")]
    public bool? IsPermanent { get; init; }

    [JsonPropertyName("system_identifier")]
    public ulong? SystemIdentifier { get; init; }

    [JsonPropertyName("uncompressed_size")]
    public long? UncompressedSize { get; init; }

    [JsonPropertyName("compressed_size")]
    public long? CompressedSize { get; init; }
}
