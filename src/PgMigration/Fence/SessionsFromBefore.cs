using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>
/// The sessions and transactions that began before a fence stood, and so may still hold what it took away. Ends those that the login may
/// end, and waits until the transactions of the others are over. Sessions that begin later are fenced from their start.
/// </summary>
internal static class SessionsFromBefore
{
    // Sessions still starting have read their settings but are not listed yet; they hold the lock on the database object meanwhile.
    private const string StartingSql = """
        select array_agg(distinct pid) from pg_locks
        where locktype = 'object' and classid = 'pg_database'::regclass and objid = (select oid from pg_database where datname = current_database())
          and pid <> all (@own) and (@pids::int[] is null or pid = any (@pids))
        """;

    // Walsenders carry links that are still needed.
    private const string EndSql = $"""
        select a.pid, {SessionText.Describe}, pg_terminate_backend(a.pid) from pg_stat_activity a join pg_roles r on r.oid = a.usesysid
        where a.datname = current_database() and a.pid <> all (@own) and coalesce(a.backend_type, 'client backend') = 'client backend'
          and {SessionText.MayEnd} and a.backend_start < @before and not {DmsSessions.IsOne}
        """;

    private const string TransactionsSql = $"""
        select array_agg(l.virtualtransaction) from pg_locks l join pg_stat_activity a on a.pid = l.pid
        where l.locktype = 'virtualxid' and l.granted and a.datname = current_database() and a.usesysid is not null and l.pid <> all (@own)
          and coalesce(a.backend_type, 'client backend') <> 'walsender' and not {DmsSessions.IsOne} and (@seen::text[] is null or l.virtualtransaction = any (@seen))
        """;

    private const string DescribeSql = $"""
        select {SessionText.Describe}
        from pg_stat_activity a join pg_locks l on l.pid = a.pid join pg_roles r on r.oid = a.usesysid
        where l.locktype = 'virtualxid' and l.virtualtransaction = any (@seen)
        """;

    /// <summary>Returns the sessions that were ended, in words, once nothing from before is left.</summary>
    /// <exception cref="MigrationException"><c>FenceIncomplete</c>: transactions of other roles did not end within the limit.</exception>
    public static async Task<IReadOnlyList<string>> EndAsync(FencedServer fenced, CancellationToken cancel)
    {
        var (session, own, spared, limit) = (fenced.Session, fenced.Own, fenced.Spared, fenced.Limit);
        var clock = Stopwatch.StartNew();
        var before = await session.ScalarAsync<DateTime>("select clock_timestamp()", cancel);
        var starting = await AskAsync<int[]>(session, StartingSql, cancel, Own(own), new NpgsqlParameter<int[]?>("pids", null));
        var seen = await AskAsync<string[]>(session, TransactionsSql, cancel, Own(own), DmsSessions.Spared(spared), new NpgsqlParameter<string[]?>("seen", null));
        var ended = new Dictionary<int, string>();
        while (true)
        {
            // before the list of sessions: one that has just started is on it by then; asked after it, it would slip through between the two
            starting = starting is null ? null : await AskAsync<int[]>(session, StartingSql, cancel, Own(own), new NpgsqlParameter<int[]>("pids", starting));
            var now = await session.RowsAsync(EndSql, row => (Pid: row.GetInt32(0), Text: Redaction.Of(row.GetString(1))), cancel, Own(own), DmsSessions.Spared(spared), new NpgsqlParameter<DateTime>("before", before));
            now.ForEach(each => ended.TryAdd(each.Pid, each.Text));
            seen = seen is null ? null : await AskAsync<string[]>(session, TransactionsSql, cancel, Own(own), DmsSessions.Spared(spared), new NpgsqlParameter<string[]>("seen", seen));
            if (now.Count == 0 && starting is null && seen is null)
            {
                return [.. ended.Values];
            }

            if (clock.Elapsed > limit)
            {
                var who = await session.RowsAsync(DescribeSql, row => Redaction.Of(row.GetString(0)), cancel, new NpgsqlParameter<string[]>("seen", seen ?? []));
                throw SourceFence.Incomplete(string.Create(CultureInfo.InvariantCulture,
                    $"After {limit.TotalSeconds:0.#} s {Math.Max(who.Count, 1)} session(s) from before the fence were left that this login cannot end: {string.Join("; ", who)}. Somebody who may (their own role, pg_signal_backend or a superuser) ends them with SELECT pg_terminate_backend(<process>)."));
            }

            await Task.Delay(2, cancel); // PostgreSQL tells nobody when a session has ended
        }
    }

    private static async Task<T?> AskAsync<T>(NpgsqlConnection session, string sql, CancellationToken cancel, params NpgsqlParameter[] parameters)
        where T : class
    {
        var rows = await session.RowsAsync(sql, row => row.IsDBNull(0) ? null : row.GetFieldValue<T>(0), cancel, parameters);
        return rows[0];
    }

    private static NpgsqlParameter<int[]> Own(int[] own) => new("own", own);
}
