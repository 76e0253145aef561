using Npgsql;

namespace PgMigration;

/// <summary>A table to compare, by the columns that both sides have.</summary>
/// <param name="Schema">The schema.</param>
/// <param name="Name">The table.</param>
/// <param name="Bytes">Its size on the source, without indexes.</param>
/// <param name="Columns">Its columns, in the source's order.</param>
/// <param name="Key">The primary key's columns with their types; empty when it has none.</param>
/// <param name="IsParent">Whether tables inherit from it, which are compared by themselves.</param>
internal sealed record ComparedTable(string Schema, string Name, long Bytes, string[] Columns, (string Name, string Type)[] Key, bool IsParent)
{
    /// <summary>What a session that compares begins with: so that a row is the same text everywhere.</summary>
    public const string SessionSettings = "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c bytea_output=hex -c extra_float_digits=1 -c default_transaction_read_only=on -c lock_timeout=1000";

    private const int Sampled = 1000;

    private const string TablesSql = """
        select n.nspname, c.relname, pg_table_size(c.oid),
               (select array_agg(a.attname::text order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
               coalesce((select array_agg(a.attname::text order by i.place) from pg_index x cross join lateral unnest(x.indkey) with ordinality i(attnum, place)
                         join pg_attribute a on a.attrelid = c.oid and a.attnum = i.attnum where x.indrelid = c.oid and x.indisprimary), '{}'),
               coalesce((select array_agg(format_type(a.atttypid, a.atttypmod) order by i.place) from pg_index x cross join lateral unnest(x.indkey) with ordinality i(attnum, place)
                         join pg_attribute a on a.attrelid = c.oid and a.attnum = i.attnum where x.indrelid = c.oid and x.indisprimary), '{}'),
               exists (select from pg_inherits h where h.inhparent = c.oid)
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and format('%s.%s', n.nspname, c.relname) = any (@names) order by 3
        """;

    /// <summary>The tables of these names, the smallest first.</summary>
    public static async Task<List<ComparedTable>> FindAsync(NpgsqlConnection source, string[] names, CancellationToken cancel) =>
        await source.RowsAsync(TablesSql, row => new ComparedTable(row.GetString(0), row.GetString(1), row.GetInt64(2), row.GetFieldValue<string[]>(3),
            [.. row.GetFieldValue<string[]>(4).Zip(row.GetFieldValue<string[]>(5))], row.GetBoolean(6)), cancel, new NpgsqlParameter<string[]>("names", names));

    /// <summary>Sums up a whole table, which needs no order.</summary>
    /// <param name="session">The server.</param>
    /// <param name="withVersions">Whether to sum up where its rows lie and who wrote them, too.</param>
    /// <param name="cancel">Ends it.</param>
    public async Task<TableSum> SumAsync(NpgsqlConnection session, bool withVersions, CancellationToken cancel) => (await session.RowsAsync(
        $"select count(*), coalesce(sum(hashtextextended({Row} collate \"C\", 0)::numeric), 0)::text, {(withVersions ? $"coalesce(sum(hashtextextended({Version} collate \"C\", 0)::numeric), 0)::text" : "null")} from {Rows} t",
        row => new TableSum(row.GetInt64(0), row.GetString(1), row.TextOrNull(2)), cancel))[0];

    /// <summary>Some rows: those with the largest keys, where what was lost last is, and others picked by pages.</summary>
    public async Task<Dictionary<string, SampledRow>> SampleAsync(NpgsqlConnection session, CancellationToken cancel)
    {
        string last = string.Join(", ", Key.Select(key => $"t.{SqlText.Name(key.Name)} desc"));
        double percent = Math.Clamp(100.0 * Sampled * 200 / Math.Max(1, Bytes), 0.0001, 100);
        var rows = new Dictionary<string, SampledRow>();
        foreach (string from in (string[])[$"order by {last}", string.Create(System.Globalization.CultureInfo.InvariantCulture, $"tablesample system ({percent})")])
        {
            foreach (var row in await session.RowsAsync($"select {RowColumns} from {Rows} t {from} limit {Sampled}", ReadRow, cancel))
            {
                rows[row.Name] = row;
            }
        }

        return rows;
    }

    /// <summary>The rows with these keys, as far as they are there.</summary>
    public async Task<Dictionary<string, SampledRow>> LookUpAsync(NpgsqlConnection session, IReadOnlyCollection<SampledRow> wanted, CancellationToken cancel)
    {
        string names = string.Join(", ", Key.Select((_, place) => $"k{place}"));
        string lists = string.Join(", ", Key.Select((_, place) => $"@k{place}::text[]"));
        string equal = string.Join(" and ", Key.Select((key, place) => $"t.{SqlText.Name(key.Name)} = k.k{place}::{key.Type}"));
        return (await session.RowsAsync($"select {RowColumns} from unnest({lists}) k({names}) join {Rows} t on {equal}", ReadRow, cancel,
            [.. Key.Select((_, place) => new NpgsqlParameter<string[]>($"k{place}", [.. wanted.Select(row => row.Key[place])]))])).ToDictionary(row => row.Name);
    }

    /// <summary>As SQL takes it.</summary>
    public string Quoted => SqlText.Name(Schema, Name);

    private string Rows => IsParent ? $"only {Quoted}" : Quoted;

    /// <inheritdoc/>
    public override string ToString() => $"{Schema}.{Name}";

    // A row as one text, the same on every server.
    private string Row => $"row({string.Join(", ", Columns.Select(column => $"t.{SqlText.Name(column)}"))})::text";

    // A row that is changed, back to what it was even, lies elsewhere or was written by another transaction.
    private static string Version => "t.ctid::text || ' ' || t.xmin::text";

    private string RowColumns => $"array[{string.Join(", ", Key.Select(key => $"t.{SqlText.Name(key.Name)}::text"))}], hashtextextended({Row} collate \"C\", 0), {Version}";

    private static SampledRow ReadRow(NpgsqlDataReader row) => new(row.GetFieldValue<string[]>(0), row.GetInt64(1), row.GetString(2));
}
