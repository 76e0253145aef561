using System.Text.Json;

namespace PgMigration.Wal;

/// <summary>What <c>pgmigration/restore.json</c> says about a restored data directory: what the prefetcher must know to fetch and check WAL.</summary>
/// <remarks>Holds no secret; how the archive is reached is in <c>archive.json</c>.</remarks>
public sealed record RestoreRecord
{
    /// <summary>How many bytes of fetched segments may wait in the pool when nothing else is said: 1 GiB.</summary>
    public const long DefaultPoolLimit = 1L << 30;

    /// <summary>The cluster's system identifier, from pg_control or the backup's sentinel: segments of another cluster are refused.</summary>
    public required ulong SystemIdentifier { get; init; }

    /// <summary>The cluster's segment size in bytes (<c>wal_segment_size</c>).</summary>
    public required int SegmentSize { get; init; }

    /// <summary>The server's major version, such as 15: the pages of a segment carry its magic number.</summary>
    public required int MajorVersion { get; init; }

    /// <summary>The segment in which the backup's redo point lies, timeline included: where fetching begins.</summary>
    public required string StartSegment { get; init; }

    /// <summary>How many bytes of fetched segments may wait in the pool.</summary>
    // the generated reader hands zero or null to each member that a file does not have: a record of an earlier version has not all of them
    public long PoolLimit { get; init => field = value > 0 ? value : DefaultPoolLimit; } = DefaultPoolLimit;

    /// <summary>The archive's address for people, without secrets.</summary>
    public string? Archive { get; init; }

    /// <summary>The backup that was restored.</summary>
    public string? BackupName { get; init; }

    /// <summary>The position at which the backup ended: the server is consistent from there on.</summary>
    public string? FinishLsn { get; init; }

    /// <summary>The port of the restored server.</summary>
    public int Port { get; init; }

    /// <summary>The folder of the PostgreSQL programs that run it.</summary>
    public string? PostgresBin { get; init; }

    /// <summary>The OS user that owns the data directory and runs the server.</summary>
    public string? OSUser { get; init; }

    /// <summary>The folder of its Unix-domain socket.</summary>
    public string? SocketFolder { get; init; }

    /// <summary>The name of its bootstrap superuser; null until somebody has found out.</summary>
    public string? Superuser { get; init; }

    /// <summary>The database that a link to it names; null: postgres.</summary>
    public string? Database { get; init; }

    /// <summary>The networks whose clients may log in, as CIDR; without any, this machine only.</summary>
    public IReadOnlyList<string> AllowFrom { get; init => field = value ?? []; } = [];

    /// <summary>Where each tablespace was put, by its oid.</summary>
    public IReadOnlyDictionary<string, string> Tablespaces { get; init => field = value ?? field; } = new Dictionary<string, string>();

    /// <summary>When it was handed over as a link for the first time, in UTC; null before.</summary>
    public DateTime? LinkedAt { get; init; }

    /// <summary>Reads the record of a data directory.</summary>
    /// <exception cref="MigrationException"><c>RestoreRecordInvalid</c> when the file is not such a record.</exception>
    public static RestoreRecord Load(string file)
    {
        try
        {
            using var stream = File.OpenRead(file);
            return JsonSerializer.Deserialize(stream, RestoreJson.Default.RestoreRecord) ?? throw new JsonException("it is empty");
        }
        catch (JsonException error)
        {
            throw new MigrationException("RestoreRecordInvalid", MigrationErrorKind.InvalidData,
                $"'{file}' is not the record of a restore: {error.Message.TrimEnd('.')}. Restore into an empty directory again.", error);
        }
    }

    /// <summary>Reads a record's text, such as a server reads it from its own data directory; null when it is none.</summary>
    public static RestoreRecord? TryParse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, RestoreJson.Default.RestoreRecord);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes the record: whole or not at all, and durably.</summary>
    public void Save(string file)
    {
        string temporary = file + ".new";
        using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(stream, this, RestoreJson.Default.RestoreRecord);
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, file, overwrite: true);
    }
}
