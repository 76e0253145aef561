using System.Globalization;

namespace PgMigration;

/// <summary>What has been written on the target since it was opened: what going back without a way back would lose.</summary>
internal static class WritesSince
{
    /// <summary>In words; never fails: a server that does not answer has said nothing.</summary>
    public static async Task<string> DescribeAsync(CutoverContext context, CancellationToken cancel = default)
    {
        string since = context.Journal.Entries.FirstOrDefault(entry => entry.Event == CutoverEvent.Begun && entry.Step is nameof(OpenTarget) or nameof(RepointApp)) is { } opened
            ? string.Create(CultureInfo.InvariantCulture, $"since {opened.At:u}") : "since it was opened";
        try
        {
            var target = await context.TargetSessionAsync(cancel);
            var now = await target.LsnAsync("pg_current_wal_insert_lsn()", cancel);
            string wal = context.Facts.OpenedLsn is { } from ? $"{LagText.Of(Math.Max(0, now - from))} of WAL were" : "something was";
            var tables = await TablesAsync(context, cancel);
            string? forgotten = await target.TextOrNullAsync("select max(at)::timestamptz(0)::text from (select pg_postmaster_start_time() at union all select stats_reset from pg_stat_bgwriter union all select stats_reset from pg_stat_database where datname = current_database()) s where at > @opened",
                cancel, new Npgsql.NpgsqlParameter<DateTime>("opened", context.Journal.Entries.LastOrDefault(entry => entry.Event == CutoverEvent.Begun && entry.Step is nameof(OpenTarget) or nameof(RepointApp))?.At ?? DateTime.UtcNow));
            string counted = forgotten is null ? string.Empty : $" (counted since {forgotten} only: the server was restarted or its counts were reset then)";
            return $"{wal} written there {since}{(tables.Count == 0 ? counted : $", to the tables {WayBack.Shown([.. tables.Select(each => $"{each.Table} ({each.Rows.ToString("N0", CultureInfo.InvariantCulture)} rows)")])}{counted}")}";
        }
        catch (Exception error) when (error is Npgsql.NpgsqlException or MigrationException)
        {
            return $"what was written there {since} is unknown, since it does not answer";
        }
    }

    /// <summary>The tables of the target with rows written since; a standby's counters begin with its promotion.</summary>
    private static async Task<List<(string Table, long Rows)>> TablesAsync(CutoverContext context, CancellationToken cancel)
    {
        var target = await context.TargetSessionAsync(cancel);
        return await target.RowsAsync("""
            select format('%I.%I', schemaname, s.relname), n_tup_ins + n_tup_upd + n_tup_del from pg_stat_user_tables s
            join pg_class c on c.oid = relid and c.relkind = 'r' and c.relpersistence = 'p'
            where n_tup_ins + n_tup_upd + n_tup_del > 0 and schemaname <> 'pgmigration' order by 2 desc
            """, row => (row.GetString(0), row.GetInt64(1)), cancel);
    }
}
