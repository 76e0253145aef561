using System.Globalization;

namespace PgMigration;

/// <summary>What pg_controldata says about a cluster: the settings that a hot standby must have at least, and who it is.</summary>
/// <remarks>Source: PostgreSQL's src/bin/pg_controldata, and CheckRequiredParameterValues in xlogrecovery.c.</remarks>
internal sealed record ControlData
{
    private static readonly Dictionary<string, string> SettingLines = new()
    {
        ["max_connections setting"] = "max_connections",
        ["max_worker_processes setting"] = "max_worker_processes",
        ["max_wal_senders setting"] = "max_wal_senders",
        ["max_prepared_xacts setting"] = "max_prepared_transactions",
        ["max_locks_per_xact setting"] = "max_locks_per_transaction",
    };

    /// <summary>The cluster's system identifier.</summary>
    public required ulong SystemIdentifier { get; init; }

    /// <summary>The segment size in bytes.</summary>
    public required int SegmentSize { get; init; }

    /// <summary>Settings that replay refuses to do with less of.</summary>
    public required IReadOnlyDictionary<string, long> Settings { get; init; }

    /// <summary>The state in words, such as <c>in archive recovery</c>.</summary>
    public required string State { get; init; }

    /// <summary>Whether the cluster's pages carry checksums.</summary>
    public required bool HasDataChecksums { get; init; }

    /// <summary>Asks the program of the cluster's own version.</summary>
    public static async Task<ControlData> ReadAsync(LocalServer server, CancellationToken cancel) =>
        Parse(await server.RunAsync("pg_controldata", cancel, server.DataDirectory));

    /// <summary>Reads the program's lines, in English.</summary>
    /// <exception cref="MigrationException"><c>ControlDataUnreadable</c>.</exception>
    internal static ControlData Parse(string output)
    {
        var values = output.Split('\n').Select(line => line.Split(':', 2)).Where(pair => pair.Length == 2)
            .GroupBy(pair => pair[0].Trim()).ToDictionary(group => group.Key, group => group.First()[1].Trim(), StringComparer.Ordinal);
        return new ControlData
        {
            SystemIdentifier = ulong.Parse(Value("Database system identifier"), NumberStyles.None, CultureInfo.InvariantCulture),
            SegmentSize = int.Parse(Value("Bytes per WAL segment"), NumberStyles.None, CultureInfo.InvariantCulture),
            HasDataChecksums = Value("Data page checksum version") != "0",
            State = Value("Database cluster state"),
            Settings = SettingLines.ToDictionary(line => line.Value, line => long.Parse(Value(line.Key), NumberStyles.None, CultureInfo.InvariantCulture)),
        };

        string Value(string name) => values.TryGetValue(name, out string? value) ? value : throw new MigrationException("ControlDataUnreadable", MigrationErrorKind.InvalidData,
            $"pg_controldata printed no line '{name}'. Expected the program of the backup's own major version: check -PostgresBin.");
    }
}
