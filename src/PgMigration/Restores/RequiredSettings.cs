using Npgsql;

namespace PgMigration;

/// <summary>The settings of which a hot standby must have at least as much as its primary, or replay stops.</summary>
internal static class RequiredSettings
{
    private const string Query = "SELECT name, setting::bigint FROM pg_settings WHERE name = ANY($1)";

    // Larger ones cost little, and the source may raise its own while we follow: replay would then pause until a restart.
    private static readonly Dictionary<string, long> Least = new()
    {
        ["max_connections"] = 200, ["max_worker_processes"] = 16, ["max_wal_senders"] = 20, ["max_prepared_transactions"] = 0, ["max_locks_per_transaction"] = 128,
    };

    /// <summary>The larger of what pg_control says (as of the backup), what the source says now, and what is wise.</summary>
    public static async Task<IReadOnlyDictionary<string, long>> ForAsync(ControlData control, PgServer? source, CancellationToken cancel)
    {
        var settings = Least.ToDictionary(pair => pair.Key, pair => Math.Max(pair.Value, control.Settings[pair.Key]));
        if (source is null)
        {
            return settings;
        }

        await using var connection = await source.ConnectAsync(cancel);
        await using var command = new NpgsqlCommand(Query, connection) { Parameters = { new() { Value = settings.Keys.ToArray() } } };
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel))
        {
            settings[reader.GetString(0)] = Math.Max(settings[reader.GetString(0)], reader.GetInt64(1));
        }

        return settings;
    }
}
