using Npgsql;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>What a standby says about itself, in SQL.</summary>
internal sealed record StandbyPosition
{
    // Replay has no function for its timeline; the newest segment file that covers the replayed position tells it. Only a superuser or
    // pg_monitor may list them, hence the CASE.
    private const string Query = """
        SELECT pg_is_in_recovery(),
               CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text END,
               extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8,
               CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END,
               (SELECT system_identifier FROM pg_control_system()),
               pg_snapshot_xmin(pg_current_snapshot())::text, pg_snapshot_xmax(pg_current_snapshot())::text,
               (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'),
               has_function_privilege('pg_ls_waldir()', 'EXECUTE') AND has_function_privilege('pg_stat_file(text)', 'EXECUTE'),
               extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8
        """;

    // "change" is when the file got its name: replay renames each segment that it takes from the archive
    private const string FilesQuery = """
        SELECT name, extract(epoch FROM clock_timestamp() - (pg_stat_file('pg_wal/' || name, true)).change)::float8
        FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$' AND substr(name, 9) = $1 ORDER BY name DESC LIMIT 1
        """;

    /// <summary>Whether it still replays; false: it was promoted.</summary>
    public required bool InRecovery { get; init; }

    /// <summary>Up to where it has replayed.</summary>
    public required Lsn? Replayed { get; init; }

    /// <summary>The timeline of what it replays; null when this login may not know.</summary>
    public required uint? Timeline { get; init; }

    /// <summary>
    /// For how long replay has been within one segment, or has had no next one; counted from the server's start at most, and null when
    /// this login may not know. It outlasts our sessions: who has just come can tell a link that stands still from one that flows.
    /// </summary>
    public TimeSpan? InSegmentFor { get; init; }

    /// <summary>How old the newest replayed commit is by its own clock; null when none was replayed since it started.</summary>
    public required TimeSpan? CommitAge { get; init; }

    /// <summary>Whether replay is paused: by hand, or because a setting is smaller than the source's.</summary>
    public required bool Paused { get; init; }

    /// <summary>Its cluster.</summary>
    public required ulong SystemIdentifier { get; init; }

    /// <summary>The oldest transaction that is not completed.</summary>
    public required ulong OpenFrom { get; init; }

    /// <summary>The first transaction that was not yet completed by anyone.</summary>
    public required ulong CompletedTo { get; init; }

    /// <summary>The segment size in bytes.</summary>
    public required int SegmentSize { get; init; }

    /// <summary>Asks the standby.</summary>
    public static async Task<StandbyPosition> ReadAsync(PgServer target, CancellationToken cancel)
    {
        await using var connection = await target.ConnectAsync(cancel);
        await using var command = new NpgsqlCommand(Query, connection);
        StandbyPosition position;
        bool mayList;
        double running;
        await using (var reader = await command.ExecuteReaderAsync(cancel))
        {
            await reader.ReadAsync(cancel);
            position = new StandbyPosition
            {
                InRecovery = reader.GetBoolean(0),
                Replayed = reader.IsDBNull(1) ? null : Lsn.Parse(reader.GetString(1)),
                CommitAge = reader.IsDBNull(2) ? null : TimeSpan.FromSeconds(Math.Max(0, reader.GetDouble(2))),
                Paused = reader.GetBoolean(3),
                SystemIdentifier = unchecked((ulong)reader.GetInt64(4)),
                OpenFrom = SourcePosition.Number(reader.GetString(5)),
                CompletedTo = SourcePosition.Number(reader.GetString(6)),
                SegmentSize = (int)reader.GetInt64(7),
                Timeline = null,
            };
            mayList = reader.GetBoolean(8);
            running = reader.GetDouble(9);
        }

        return mayList && position.Replayed is { } replayed && replayed != Lsn.Zero
            ? await WithSegmentAsync(position, connection, replayed, running, cancel)
            : position;
    }

    private static async Task<StandbyPosition> WithSegmentAsync(StandbyPosition position, NpgsqlConnection connection, Lsn replayed, double running, CancellationToken cancel)
    {
        // the replayed position is where the next record begins: at a segment's very end the file is the one before
        var segment = WalSegmentName.Containing(0, replayed + -1, position.SegmentSize);
        await using var command = new NpgsqlCommand(FilesQuery, connection);
        command.Parameters.AddWithValue(segment.ToString()[8..]);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        return await reader.ReadAsync(cancel)
            ? position with
            {
                Timeline = WalSegmentName.Parse(reader.GetString(0)).Timeline,
                InSegmentFor = reader.IsDBNull(1) ? null : TimeSpan.FromSeconds(Math.Max(0, Math.Min(running, reader.GetDouble(1)))),
            }
            : position;
    }
}
