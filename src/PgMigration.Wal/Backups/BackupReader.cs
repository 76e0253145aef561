using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace PgMigration.Wal;

/// <summary>Reads what an archive says about one backup.</summary>
internal static class BackupReader
{
    // What a sentinel says beside its lists of files is a few kB, and with many tablespaces some hundreds.
    private const long LongestSentinel = 16 << 20;

    // The writer's zero: nothing was recorded.
    private static readonly DateTimeOffset Unset = new(1, 1, 2, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Reads a sentinel, and the metadata beside it when the sentinel is of the older kind.</summary>
    /// <exception cref="InvalidDataException">It is not the JSON that it should be.</exception>
    public static async Task<WalBackup> ReadAsync(IArchiveStorage storage, BackupName name, ArchiveObject stored, CancellationToken cancel)
    {
        var sentinel = await ReadAsync(storage, stored.Name, BackupJson.Default.BackupSentinel, cancel);
        var metadata = sentinel.StartTime is null && sentinel.WalEStopSegment is null
            ? await ReadMetadataAsync(storage, name, cancel)
            : new BackupMetadata();
        var startTime = Known(sentinel.StartTime ?? metadata.StartTime);
        return new WalBackup
        {
            Name = name.Text,
            Archive = storage.Url,
            StartSegment = name.StartSegment,
            StartLsn = Position(sentinel.StartLsn ?? metadata.StartLsn) ?? WalEStart(name, sentinel),
            FinishLsn = Position(sentinel.FinishLsn ?? metadata.FinishLsn) ?? WalEStop(sentinel),
            Time = startTime ?? stored.LastModified,
            StartTime = startTime,
            FinishTime = Known(sentinel.FinishTime ?? metadata.FinishTime),
            PgVersion = sentinel.PgVersion ?? metadata.PgVersion,
            SystemIdentifier = sentinel.SystemIdentifier ?? metadata.SystemIdentifier,
            UncompressedSize = sentinel.UncompressedSize ?? metadata.UncompressedSize ?? sentinel.WalESize,
            CompressedSize = sentinel.CompressedSize ?? metadata.CompressedSize,
            IsPermanent = sentinel.IsPermanent ?? metadata.IsPermanent ?? false,
            DeltaLsn = Position(sentinel.DeltaLsn),
            DataSize = sentinel.DataCatalogSize is > 0 and var data ? data : null,
            DeltaFrom = sentinel.DeltaFrom,
            DeltaFullName = sentinel.DeltaFullName,
            IsDelta = name.IsDelta || sentinel.DeltaFrom is not null,
            Hostname = sentinel.Hostname ?? metadata.Hostname,
            DataDirectory = sentinel.DataDirectory ?? metadata.DataDirectory ?? BasePrefix(sentinel.Spec ?? sentinel.WalESpec),
            Tablespaces = Tablespaces(sentinel.Spec ?? sentinel.WalESpec),
        };
    }

    /// <summary>Reads the tablespaces of a specification: <c>{"tablespaces": ["16400"], "16400": {"loc": …, "link": …}}</c>.</summary>
    internal static IReadOnlyList<BackupTablespace> Tablespaces(JsonElement? spec)
    {
        if (spec is not { ValueKind: JsonValueKind.Object } known || !known.TryGetProperty("tablespaces", out var names) || names.ValueKind != JsonValueKind.Array)
        {
            return [];
        }

        var found = new List<BackupTablespace>();
        foreach (var item in names.EnumerateArray())
        {
            string text = item.ToString();
            if (!uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint oid)
                || !known.TryGetProperty(text, out var place) || place.ValueKind != JsonValueKind.Object
                || !place.TryGetProperty("loc", out var location) || location.GetString() is not { Length: > 0 } folder)
            {
                throw new InvalidDataException($"It names a tablespace '{text}' without saying where it lay.");
            }

            found.Add(new BackupTablespace(oid, folder));
        }

        return found;
    }

    private static async Task<BackupMetadata> ReadMetadataAsync(IArchiveStorage storage, BackupName name, CancellationToken cancel)
    {
        try
        {
            return await ReadAsync(storage, $"{BackupCatalog.Folder}{name.Text}/metadata.json", BackupJson.Default.BackupMetadata, cancel);
        }
        catch (MigrationException error) when (error.ErrorId == "ArchiveObjectNotFound")
        {
            return new BackupMetadata(); // older still
        }
    }

    private static async Task<T> ReadAsync<T>(IArchiveStorage storage, string name, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        await using var stream = await storage.OpenReadAsync(name, 0, cancel);
        try
        {
            return JsonSerializer.Deserialize((await WithoutListsAsync(stream, cancel)).Span, type) ?? throw new InvalidDataException("It holds null.");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException(error.Message, error);
        }
    }

    /// <summary>The JSON without the lists of files that old sentinels carry: the serializer would read such a value into memory to pass over it.</summary>
    private static async Task<ReadOnlyMemory<byte>> WithoutListsAsync(Stream stream, CancellationToken cancel)
    {
        var kept = new ArrayBufferWriter<byte>();
        await using var json = new Utf8JsonWriter(kept);
        bool passesOver = false;
        await JsonTokens.ReadAsync(stream, Copy, cancel);
        await json.FlushAsync(cancel);
        return kept.WrittenMemory;

        void Copy(ref Utf8JsonReader token)
        {
            if (token.CurrentDepth == 1 && token.TokenType == JsonTokenType.PropertyName)
            {
                passesOver = token.ValueTextEquals("Files"u8) || token.ValueTextEquals("TarFileSets"u8) || token.ValueTextEquals("DatabasesByNames"u8);
            }

            if (!passesOver || token.CurrentDepth == 0)
            {
                CopyToken(ref token, json);
                if (json.BytesCommitted + json.BytesPending > LongestSentinel)
                {
                    throw new InvalidDataException($"It holds more than {LongestSentinel >> 20} MB beside its lists of files.");
                }
            }
        }
    }

    private static void CopyToken(ref Utf8JsonReader token, Utf8JsonWriter json)
    {
        switch (token.TokenType)
        {
            case JsonTokenType.StartObject:
                json.WriteStartObject();
                break;
            case JsonTokenType.EndObject:
                json.WriteEndObject();
                break;
            case JsonTokenType.StartArray:
                json.WriteStartArray();
                break;
            case JsonTokenType.EndArray:
                json.WriteEndArray();
                break;
            case JsonTokenType.PropertyName:
                json.WritePropertyName(token.GetString()!);
                break;
            case JsonTokenType.String:
                json.WriteStringValue(token.GetString());
                break;
            case JsonTokenType.Null:
                json.WriteNullValue();
                break;
            default:
                json.WriteRawValue(token.ValueSpan); // a number, true or false
                break;
        }
    }

    private static Lsn? Position(ulong? value) => value is { } position and > 0 ? new Lsn(position) : null;

    private static DateTimeOffset? Known(DateTimeOffset? time) => time > Unset ? time : null;

    private static string? BasePrefix(JsonElement? spec) =>
        spec is { ValueKind: JsonValueKind.Object } known && known.TryGetProperty("base_prefix", out var prefix) ? prefix.GetString() : null;

    private static Lsn? WalEStart(BackupName name, BackupSentinel sentinel) =>
        sentinel.WalEStopSegment is null ? null : name.StartByDecimalOffset(WalSegmentName.DefaultSize);

    private static Lsn? WalEStop(BackupSentinel sentinel) =>
        WalSegmentName.TryParse(sentinel.WalEStopSegment, out var segment) && uint.TryParse(sentinel.WalEStopOffset?.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out uint offset)
            ? segment.Start(WalSegmentName.DefaultSize) + offset
            : null;
}
