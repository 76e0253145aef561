using Npgsql;

namespace PgMigration;

/// <summary>Pushes the write position forward with logical messages, which an ordinary login may write, where pg_switch_wal() is denied.</summary>
/// <remarks>A page header takes 24 of each 8,192 bytes (40 at a segment's begin), so a message takes a little more of the log than its length.</remarks>
internal static class WalFiller
{
    /// <summary>What filling leaves of a segment: little to write while the app is paused, and room for a busy source until then.</summary>
    public const long SmallestRest = 700_000;

    /// <summary>A record that runs over a segment's end is replayed only with the next segment: so long it may be, that the target rests near that end.</summary>
    public const int LongestRecordOverTheEnd = 1_000_000;

    // A message is text, which PostgreSQL holds in memory whole: segments may be as large as 1 GB.
    private const long LongestMessage = 64L << 20;

    /// <summary>What lets the session's login write messages, where it may not; null where it may.</summary>
    public static Task<string?> FindMissingRightAsync(NpgsqlConnection session, CancellationToken cancel) =>
        session.TextOrNullAsync("""
            select format('GRANT EXECUTE ON FUNCTION %s TO %I', oid::regprocedure, current_user) from pg_proc
            where proname = 'pg_logical_emit_message' and pronamespace = 'pg_catalog'::regnamespace and proargtypes[2] = 'text'::regtype and not has_function_privilege(oid, 'execute')
            """, cancel);

    /// <summary>Whether the session's login may simply switch to the next segment.</summary>
    public static Task<bool> MaySwitchAsync(NpgsqlConnection session, CancellationToken cancel) =>
        session.ScalarAsync<bool>("select has_function_privilege('pg_switch_wal()', 'execute')", cancel);

    /// <summary>Where the source will write next.</summary>
    public static Task<Lsn> InsertPositionAsync(NpgsqlConnection session, CancellationToken cancel) =>
        session.LsnAsync("pg_current_wal_insert_lsn()", cancel);

    /// <summary>Bytes left in the segment of a position.</summary>
    public static long Left(Lsn position, int segmentSize) => segmentSize - (long)(position.Position % (ulong)segmentSize);

    /// <summary>Completes the segment that holds a position, so that the host archives it at once; does nothing when it is complete already.</summary>
    /// <returns>How, in words.</returns>
    /// <remarks>The record that runs over the segment's end is a short one: a standby replays a long one only with the next segment.</remarks>
    public static async Task<string> CompleteAsync(NpgsqlConnection session, Lsn holds, int segmentSize, CancellationToken cancel)
    {
        // The position is the end of a record: a record that ends exactly with a segment lies in that one.
        ulong segment = (holds.Position - 1) / (ulong)segmentSize;
        long rest = Math.Min(SmallestRest, segmentSize / 5);
        if (await MaySwitchAsync(session, cancel))
        {
            await session.ExecuteAsync("select pg_switch_wal()", cancel);
            return $"switched away from the segment of {holds}";
        }

        Lsn position;
        while ((position = await InsertPositionAsync(session, cancel)).Position / (ulong)segmentSize == segment)
        {
            long left = Left(position, segmentSize);
            await WriteAsync(session, left > Math.Min(LongestRecordOverTheEnd, segmentSize / 4) ? (left - rest) * 99 / 100 : left, cancel);
        }

        return $"filled up to {position}";
    }

    /// <summary>Writes a message of so many bytes, or of the longest there may be, transactionally: its commit makes the server flush everything before it at once, not when the WAL writer wakes.</summary>
    public static Task WriteAsync(NpgsqlConnection session, long bytes, CancellationToken cancel) =>
        session.ExecuteAsync("select pg_logical_emit_message(true, 'pgmigration', repeat(' ', @bytes))", cancel, new NpgsqlParameter<int>("bytes", checked((int)Math.Clamp(bytes, 1, LongestMessage))));
}
