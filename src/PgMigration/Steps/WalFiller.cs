using Npgsql;

namespace PgMigration;

/// <summary>Pushes the write position forward with logical messages, which an ordinary login may write, where pg_switch_wal() is denied.</summary>
/// <remarks>A page header takes 24 of each 8,192 bytes (40 at a segment's begin), so a message takes a little more of the log than its length.</remarks>
internal static class WalFiller
{
    /// <summary>Whether the session's login may simply switch to the next segment.</summary>
    public static Task<bool> MaySwitchAsync(NpgsqlConnection session, CancellationToken cancel) =>
        session.ScalarAsync<bool>("select has_function_privilege('pg_switch_wal()', 'execute')", cancel);

    /// <summary>Where the source will write next.</summary>
    public static Task<Lsn> InsertPositionAsync(NpgsqlConnection session, CancellationToken cancel) =>
        session.LsnAsync("pg_current_wal_insert_lsn()", cancel);

    /// <summary>Bytes left in the segment of a position.</summary>
    public static long Left(Lsn position, int segmentSize) => segmentSize - (long)(position.Position % (ulong)segmentSize);

    /// <summary>Writes a message of so many bytes, transactionally: its commit makes the server flush everything before it at once, not when the WAL writer wakes.</summary>
    public static Task WriteAsync(NpgsqlConnection session, long bytes, CancellationToken cancel) =>
        session.ExecuteAsync("select pg_logical_emit_message(true, 'pgmigration', repeat(' ', @bytes))", cancel, new NpgsqlParameter<int>("bytes", checked((int)Math.Max(bytes, 1))));
}
