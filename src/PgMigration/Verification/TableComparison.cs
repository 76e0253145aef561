using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Compares the rows of tables on two servers that stand still: whole ones as far as the time allows, the others by samples and by their newest rows.</summary>
/// <remarks>
/// A whole table is its count and the sum of its rows' hashes, which needs no order. A sample is some of the source's rows, picked by pages, and those with
/// the largest keys, each looked up on the target: what was lost last is there. DMS's own validation has read the rest meanwhile, where it is on.
/// </remarks>
internal static class TableComparison
{
    private const int Sampled = 1000;

    // So that a row is the same text everywhere.
    private const string SessionSettings = "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c bytea_output=hex -c extra_float_digits=1 -c default_transaction_read_only=on -c lock_timeout=1000";

    private const string TablesSql = """
        select n.nspname, c.relname, pg_table_size(c.oid),
               (select array_agg(a.attname::text order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
               coalesce((select array_agg(a.attname::text order by i.place) from pg_index x cross join lateral unnest(x.indkey) with ordinality i(attnum, place)
                         join pg_attribute a on a.attrelid = c.oid and a.attnum = i.attnum where x.indrelid = c.oid and x.indisprimary), '{}'),
               coalesce((select array_agg(format_type(a.atttypid, a.atttypmod) order by i.place) from pg_index x cross join lateral unnest(x.indkey) with ordinality i(attnum, place)
                         join pg_attribute a on a.attrelid = c.oid and a.attnum = i.attnum where x.indrelid = c.oid and x.indisprimary), '{}')
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and format('%s.%s', n.nspname, c.relname) = any (@names) order by 3
        """;

    /// <summary>Compares; returns how, in words.</summary>
    /// <param name="source">The server that rows come from.</param>
    /// <param name="target">The server they went to.</param>
    /// <param name="names">The tables, as <c>schema.table</c>.</param>
    /// <param name="budget">How long whole tables may take together.</param>
    /// <param name="observer">Is warned of what could not be compared.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="MigrationException"><c>DataDiffers</c>, naming the table and what differs.</exception>
    public static async Task<string> RunAsync(PgServer source, PgServer target, string[] names, TimeSpan budget, IMigrationObserver observer, CancellationToken cancel)
    {
        await using var here = await source.ConnectAsync(SessionSettings, cancel);
        await using var there = await target.ConnectAsync(SessionSettings, cancel);
        var tables = await here.RowsAsync(TablesSql, row => new ComparedTable(row.GetString(0), row.GetString(1), row.GetInt64(2), row.GetFieldValue<string[]>(3),
            [.. row.GetFieldValue<string[]>(4).Zip(row.GetFieldValue<string[]>(5))]), cancel, new NpgsqlParameter<string[]>("names", names));
        var clock = Stopwatch.StartNew();
        int whole = 0, rows = 0;
        var skipped = new List<ComparedTable>();
        foreach (var table in tables)
        {
            observer.Progress(new MigrationProgress("Cutover", $"comparing {table}, {LagText.Of(table.Bytes)}"));
            var left = budget - clock.Elapsed;
            if (left > TimeSpan.Zero && await CompareWholeAsync(here, there, table, left, cancel))
            {
                whole++;
            }
            else if (table.Key.Length > 0)
            {
                rows += await CompareSampleAsync(here, there, table, cancel);
            }
            else
            {
                skipped.Add(table);
            }
        }

        if (skipped.Count > 0)
        {
            observer.Warning(string.Create(CultureInfo.InvariantCulture, $"{skipped.Count} tables were not compared, having no primary key and being too large for the time: {string.Join(", ", skipped.Take(10))}. Give more with -CompareFor, or compare them afterwards."));
        }

        return string.Create(CultureInfo.InvariantCulture, $"{whole} tables the same as a whole{(tables.Count > whole + skipped.Count ? $", {tables.Count - whole - skipped.Count} by {rows:N0} of their rows" : string.Empty)}");
    }

    // Whether there was time: a table whose hash is not there in time is compared by samples.
    private static async Task<bool> CompareWholeAsync(NpgsqlConnection here, NpgsqlConnection there, ComparedTable table, TimeSpan limit, CancellationToken cancel)
    {
        string sql = $"select count(*), coalesce(sum(hashtextextended({table.Row} collate \"C\", 0)::numeric), 0)::text from {table.Quoted} t";
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        both.CancelAfter(limit);
        try
        {
            var (ours, theirs) = (AskAsync(here), AskAsync(there));
            await Task.WhenAll(ours, theirs);
            var (mine, other) = (await ours, await theirs);
            return mine == other ? true : throw Differs(table, mine.Count == other.Count
                ? string.Create(CultureInfo.InvariantCulture, $"some of its {mine.Count:N0} rows are not the same")
                : string.Create(CultureInfo.InvariantCulture, $"{mine.Count:N0} rows on the source, {other.Count:N0} on the target"));
        }
        catch (Exception error) when (error is OperationCanceledException or PostgresException { SqlState: PostgresErrorCodes.QueryCanceled } && !cancel.IsCancellationRequested)
        {
            return false;
        }

        async Task<(long Count, string Hash)> AskAsync(NpgsqlConnection session) => (await session.RowsAsync(sql, row => (row.GetInt64(0), row.GetString(1)), both.Token))[0];
    }

    private static async Task<int> CompareSampleAsync(NpgsqlConnection here, NpgsqlConnection there, ComparedTable table, CancellationToken cancel)
    {
        string keys = string.Join(", ", table.Key.Select(key => $"t.{SqlText.Name(key.Name)}::text"));
        string last = string.Join(", ", table.Key.Select(key => $"t.{SqlText.Name(key.Name)} desc"));
        double percent = Math.Clamp(100.0 * Sampled * 200 / Math.Max(1, table.Bytes), 0.0001, 100);
        var rows = new Dictionary<string, (string[] Key, long Hash)>();
        foreach (string sql in (string[])[
            $"select array[{keys}], hashtextextended({table.Row} collate \"C\", 0) from {table.Quoted} t order by {last} limit {Sampled}",
            string.Create(CultureInfo.InvariantCulture, $"select array[{keys}], hashtextextended({table.Row} collate \"C\", 0) from {table.Quoted} t tablesample system ({percent}) limit {Sampled}")])
        {
            foreach (var row in await here.RowsAsync(sql, row => (Key: row.GetFieldValue<string[]>(0), Hash: row.GetInt64(1)), cancel))
            {
                rows[string.Join('\u001f', row.Key)] = row;
            }
        }

        string names = string.Join(", ", table.Key.Select((_, place) => string.Create(CultureInfo.InvariantCulture, $"k{place}")));
        string lists = string.Join(", ", table.Key.Select((_, place) => string.Create(CultureInfo.InvariantCulture, $"@k{place}::text[]")));
        string equal = string.Join(" and ", table.Key.Select((key, place) => string.Create(CultureInfo.InvariantCulture, $"t.{SqlText.Name(key.Name)} = k.k{place}::{key.Type}")));
        var found = (await there.RowsAsync($"select array[{keys}], hashtextextended({table.Row} collate \"C\", 0) from unnest({lists}) k({names}) join {table.Quoted} t on {equal}",
            row => (Key: string.Join('\u001f', row.GetFieldValue<string[]>(0)), Hash: row.GetInt64(1)), cancel,
            [.. table.Key.Select((_, place) => new NpgsqlParameter<string[]>(string.Create(CultureInfo.InvariantCulture, $"k{place}"), [.. rows.Values.Select(row => row.Key[place])]))])).ToDictionary(row => row.Key, row => row.Hash);
        var wrong = rows.Where(row => !found.TryGetValue(row.Key, out long hash) || hash != row.Value.Hash).ToArray();
        return wrong.Length == 0 ? rows.Count : throw Differs(table, string.Create(CultureInfo.InvariantCulture,
            $"of {rows.Count:N0} rows looked at {wrong.Length:N0} are missing or other on the target, such as the one with the key {string.Join(", ", wrong[0].Value.Key)}"));
    }

    private static MigrationException Differs(ComparedTable table, string how) => new("DataDiffers", MigrationErrorKind.InvalidData,
        $"{table} is not the same on both servers: {how}. Load it anew (ReloadTables), and look for who wrote to the target, for LOBs that were cut and for changed primary keys, which DMS ignores.");
}
