using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>The transactions on the source that would hold up a pause or a fence, or change the schema behind its back.</summary>
/// <remarks>
/// An ordinary login sees other roles' sessions without their age. What it does see is pg_locks: a transaction that is still there after
/// the time that it may have is too old.
/// </remarks>
internal static class OpenTransactions
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(100);

    // The modes that no reading or writing of rows takes: they belong to DDL, VACUUM and LOCK TABLE.
    private const string Sql = $"""
        select l.virtualtransaction, extract(epoch from clock_timestamp() - a.xact_start)::float8, {SessionText.MayEnd},
               exists (select from pg_locks k where k.pid = a.pid and k.locktype = 'relation' and k.relation >= 16384
                       and k.mode in ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')),
               {SessionText.Describe}
        from pg_locks l join pg_stat_activity a on a.pid = l.pid join pg_roles r on r.oid = a.usesysid
        where l.locktype = 'virtualxid' and l.granted and a.datname = current_database() and l.pid <> all (@own)
          and coalesce(a.backend_type, 'client backend') = 'client backend' and not {DmsSessions.IsOne} -- which reads for long, and stays
        """;

    /// <summary>Waits, within the limit, until none is in the way; returns how many were open at the end, in words.</summary>
    /// <exception cref="MigrationException"><c>CutoverGateClosed</c>, with who it is.</exception>
    public static async Task<string> CheckAsync(CutoverContext context, CancellationToken cancel)
    {
        var limit = context.Options.MaxTransactionAge;
        HashSet<string>? waitedFor = null;
        for (var clock = Stopwatch.StartNew(); ;)
        {
            var source = await context.SourceSessionAsync(cancel);
            var open = await source.RowsAsync(Sql, Read, cancel, new NpgsqlParameter<int[]>("own", context.OwnSourcePids), DmsSessions.Spared(context.SparedLogins));
            if (open.Find(each => each.Age > limit) is { Text: not null } old)
            {
                throw Preconditions.Closed(string.Create(CultureInfo.InvariantCulture,
                    $"A transaction on the source is open for {old.Age!.Value.TotalSeconds:0} s, longer than the {limit.TotalSeconds:0.#} s of -MaxTransactionAge{(old.ChangesSchema ? ", and changes the schema or locks a table" : string.Empty)}: {old.Text}. Wait for it, end it (SELECT pg_terminate_backend(<process>)), or raise -MaxTransactionAge."));
            }

            // Only those that were there from the begin: new ones are the app's everyday life.
            var inTheWay = open.Where(each => !each.MayEnd || each.ChangesSchema).ToList();
            waitedFor ??= [.. inTheWay.Select(each => each.Id)];
            inTheWay.RemoveAll(each => !waitedFor.Contains(each.Id));
            if (inTheWay is not [var first, ..])
            {
                return string.Create(CultureInfo.InvariantCulture, $"{open.Count} transactions open, none for long");
            }

            if (clock.Elapsed > limit)
            {
                throw Preconditions.Closed(string.Create(CultureInfo.InvariantCulture,
                    $"{inTheWay.Count} transaction(s) on the source did not end within {limit.TotalSeconds:0.#} s (-MaxTransactionAge); the first {(first.ChangesSchema ? "changes the schema or locks a table" : "is of a role that this login may not end")}: {first.Text}. Wait for it, or have somebody who may run SELECT pg_terminate_backend(<process>)."));
            }

            await Task.Delay(BetweenLooks, cancel); // PostgreSQL tells nobody when a transaction has ended
        }
    }

    private static Transaction Read(NpgsqlDataReader row) =>
        new(row.GetString(0), row.IsDBNull(1) ? null : TimeSpan.FromSeconds(row.GetDouble(1)), row.GetBoolean(2), row.GetBoolean(3), Redaction.Of(row.GetString(4)));

    private readonly record struct Transaction(string Id, TimeSpan? Age, bool MayEnd, bool ChangesSchema, string Text);
}
