using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Prepared transactions: COMMIT PREPARED is a write that neither a right nor a read-only default refuses.</summary>
/// <remarks>
/// An application with two-phase commit always has some, each for a moment, until its transaction manager decides it. So each is given a time
/// to end, and only one that outlasts it is refused: whether to commit it or roll it back, its manager alone knows.
/// </remarks>
internal static class PreparedTransactions
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(100);

    // An application may use one name again and again: the transaction's number tells two apart.
    private const string Sql = """
        select transaction::text, gid, owner::text, prepared::timestamptz(0)::text, extract(epoch from clock_timestamp() - prepared)::float8,
               format('COMMIT PREPARED %L or ROLLBACK PREPARED %L', gid, gid)
        from pg_prepared_xacts where database = current_database() order by prepared
        """;

    /// <summary>Refuses those that are older than the limit; does not wait.</summary>
    /// <exception cref="MigrationException"><c>CutoverGateClosed</c>, naming the oldest.</exception>
    public static async Task RefuseOldAsync(NpgsqlConnection session, TimeSpan limit, CancellationToken cancel)
    {
        if (await ReadAsync(session, cancel) is [var oldest, ..] && oldest.Age > limit)
        {
            throw Preconditions.Closed(Abandoned(oldest, limit));
        }
    }

    /// <summary>Waits until those that are there now have ended. New ones are the app's everyday life, and not waited for.</summary>
    /// <exception cref="MigrationException"><c>CutoverGateClosed</c>: one became older than the limit.</exception>
    public static async Task WaitForTheseAsync(NpgsqlConnection session, TimeSpan limit, CancellationToken cancel)
    {
        for (HashSet<string>? seen = null; ; await Task.Delay(BetweenLooks, cancel)) // PostgreSQL tells nobody when one has ended
        {
            var now = await ReadAsync(session, cancel);
            seen ??= [.. now.Select(each => each.Number)];
            now.RemoveAll(each => !seen.Contains(each.Number));
            if (now is not [var oldest, ..])
            {
                return;
            }

            if (oldest.Age > limit)
            {
                throw Preconditions.Closed(Abandoned(oldest, limit));
            }
        }
    }

    /// <summary>Whether some are not decided within a moment, although their manager need not wait for a client: it waits for the paused app.</summary>
    public static async Task<bool> AreHeldUpAsync(NpgsqlConnection session, CancellationToken cancel)
    {
        var seen = (await ReadAsync(session, cancel)).Select(each => each.Number).ToHashSet();
        for (var clock = Stopwatch.StartNew(); seen.Count > 0; await Task.Delay(5, cancel))
        {
            seen.IntersectWith((await ReadAsync(session, cancel)).Select(each => each.Number));
            if (clock.Elapsed > Moment)
            {
                return seen.Count > 0;
            }
        }

        return false;
    }

    /// <summary>Waits, behind a fence that lets no new write be prepared, until none is left.</summary>
    /// <returns>How many were waited for.</returns>
    /// <exception cref="MigrationException"><c>FenceIncomplete</c>: some were not decided within the limit.</exception>
    public static async Task<int> WaitForAllAsync(NpgsqlConnection session, TimeSpan limit, CancellationToken cancel)
    {
        var seen = new HashSet<string>();
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(2, cancel)) // the app is paused
        {
            var now = await ReadAsync(session, cancel);
            seen.UnionWith(now.Select(each => each.Number));
            if (now is not [var oldest, ..])
            {
                return seen.Count;
            }

            if (clock.Elapsed > limit)
            {
                throw SourceFence.Incomplete(oldest.Age > limit + limit ? Abandoned(oldest, limit) : string.Create(CultureInfo.InvariantCulture,
                    $"{now.Count} prepared transaction(s) were not decided within {limit.TotalSeconds:0.#} s (-FenceTimeout) after the fence was raised; the oldest is {oldest.Gid} of {oldest.Owner}, prepared {oldest.Since}. A transaction manager that connects through the paused app's pooler cannot decide them: let it connect to {session.Host}:{session.Port} directly during the cutover, or pause it first. Otherwise raise -FenceTimeout."));
            }
        }
    }

    /// <summary>Refuses any.</summary>
    /// <exception cref="MigrationException"><c>FenceIncomplete</c>, naming the oldest.</exception>
    public static async Task RefuseAnyAsync(NpgsqlConnection session, CancellationToken cancel)
    {
        if (await ReadAsync(session, cancel) is [var oldest, ..])
        {
            throw SourceFence.Incomplete($"Transaction {oldest.Gid} of {oldest.Owner} is prepared since {oldest.Since}, and COMMIT PREPARED writes although the server is fenced. Its transaction manager must decide it.");
        }
    }

    private static string Abandoned(Prepared one, TimeSpan limit) => string.Create(CultureInfo.InvariantCulture,
        $"Transaction {one.Gid} of {one.Owner} has been prepared for {one.Age.TotalSeconds:0} s (since {one.Since}), longer than the {limit.TotalSeconds:0.#} s of -FenceTimeout. If its transaction manager still runs, wait for it or raise -FenceTimeout. If the manager is gone, decide the transaction: {one.Ways}.");

    private static Task<List<Prepared>> ReadAsync(NpgsqlConnection session, CancellationToken cancel) =>
        session.RowsAsync(Sql, row => new Prepared(row.GetString(0), $"'{Redaction.Of(row.GetString(1))}'", row.GetString(2), row.GetString(3), TimeSpan.FromSeconds(row.GetDouble(4)), row.GetString(5)), cancel);

    private sealed record Prepared(string Number, string Gid, string Owner, string Since, TimeSpan Age, string Ways);
}
