using System.Globalization;
using Npgsql;

namespace PgMigration.LocalDms;

/// <summary>A table whose rows are compared: by their primary key, and by a hash of their values as the target should have them.</summary>
/// <param name="run">The task's table.</param>
/// <param name="source">The table on the source.</param>
/// <param name="target">The table on the target.</param>
/// <param name="rules">How values change on the way.</param>
/// <param name="skipsLobs">Whether LOB columns are left out.</param>
internal sealed class ComparedTable(TableRun run, TableDefinition source, TableDefinition target, ValueRules rules, bool skipsLobs)
{
    private const int Chunk = 1000;

    // what the text of a value depends on
    private const string SameText = "SET DateStyle = 'ISO'; SET TimeZone = 'UTC'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 1; SET bytea_output = 'hex'";

    private readonly IReadOnlyList<TableColumn> _columns = [.. source.Columns.Where(column => target.Column(column.Name) is not null && !(column.IsLob && (skipsLobs || !rules.MovesLobs)))];

    /// <summary>The task's table.</summary>
    public TableRun Run => run;

    private string Key => $"ARRAY[{string.Join(", ", source.PrimaryKey.Select(name => $"{Sql.Name(name)}::text"))}]";

    private string OnSource => $"SELECT {Key}, {Hash(_columns.Select(column => rules.ComparedExpression(column, target.Column(column.Name)!)))} FROM ONLY {source.Name.Quoted}";

    private string OnTarget => $"SELECT {Key}, {Hash(_columns.Select(column => Sql.Name(column.Name)))} FROM ONLY {source.Name.Quoted}";

    private string OfKeys
    {
        get
        {
            var places = Enumerable.Range(1, source.PrimaryKey.Count).Select(i => i.ToString(CultureInfo.InvariantCulture)).ToList();
            string names = string.Join(", ", places.Select(i => $"k{i}"));
            string typed = string.Join(", ", places.Zip(source.PrimaryKey, (i, name) => $"k{i}::{target.Column(name)?.Type ?? "text"}"));
            return $" WHERE ({string.Join(", ", source.PrimaryKey.Select(Sql.Name))}) IN (SELECT {typed} FROM unnest({string.Join(", ", places.Select(i => $"${i}::text[]"))}) AS keys({names}))";
        }
    }

    /// <summary>Makes a session's texts comparable with the other server's.</summary>
    public static Task PrepareAsync(NpgsqlConnection session, CancellationToken cancel) => session.RunAsync(SameText, cancel);

    /// <summary>Compares all rows, in both directions.</summary>
    /// <param name="from">A session on the source.</param>
    /// <param name="to">A session on the target.</param>
    /// <param name="differs">Told of each row that is not the same on both.</param>
    /// <param name="cancel">Ends it.</param>
    public async Task ScanAsync(NpgsqlConnection from, NpgsqlConnection to, Action<RowKey> differs, CancellationToken cancel)
    {
        await ScanAsync(from, OnSource, to, OnTarget, differs, cancel);
        await ScanAsync(to, OnTarget, from, OnSource, differs, cancel);
    }

    /// <summary>Which of these rows are not the same on both servers.</summary>
    public async Task<IReadOnlyList<(RowKey Key, string Kind)>> DifferencesAsync(NpgsqlConnection from, NpgsqlConnection to, IReadOnlyList<RowKey> keys, CancellationToken cancel)
    {
        var different = new List<(RowKey, string)>();
        foreach (var chunk in keys.Chunk(Chunk))
        {
            var here = await ReadAsync(from, OnSource, chunk, cancel);
            var there = await ReadAsync(to, OnTarget, chunk, cancel);
            foreach (var key in chunk)
            {
                string? kind = (here.GetValueOrDefault(key), there.GetValueOrDefault(key)) switch
                {
                    (null, null) => null,
                    (null, _) => "MISSING_SOURCE",
                    (_, null) => "MISSING_TARGET",
                    var (one, other) => one == other ? null : "RECORD_DIFF",
                };
                if (kind is not null)
                {
                    different.Add((key, kind));
                }
            }
        }

        return different;
    }

    private async Task ScanAsync(NpgsqlConnection all, string query, NpgsqlConnection other, string otherQuery, Action<RowKey> differs, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(query, all);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var rows = new Dictionary<RowKey, string>();
        bool isMore;
        do
        {
            isMore = await reader.ReadAsync(cancel);
            if (isMore)
            {
                rows[RowKey.Of(reader.GetFieldValue<string[]>(0))] = reader.GetString(1);
            }

            if (rows.Count == Chunk || (!isMore && rows.Count > 0))
            {
                var found = await ReadAsync(other, otherQuery, rows.Keys, cancel);
                foreach (var (key, hash) in rows)
                {
                    if (found.GetValueOrDefault(key) != hash)
                    {
                        differs(key);
                    }
                }

                rows.Clear();
            }
        }
        while (isMore);
    }

    private async Task<Dictionary<RowKey, string>> ReadAsync(NpgsqlConnection session, string query, IReadOnlyCollection<RowKey> keys, CancellationToken cancel)
    {
        var columns = Enumerable.Range(0, source.PrimaryKey.Count).Select(i => (object?)keys.Select(key => key.Parts[i]).ToArray()).ToArray();
        return (await session.ReadAsync(query + OfKeys, row => (Key: RowKey.Of(row.GetFieldValue<string[]>(0)), Hash: row.GetString(1)), cancel, columns)).ToDictionary(row => row.Key, row => row.Hash);
    }

    private static string Hash(IEnumerable<string> expressions) => $"md5(ROW({string.Join(", ", expressions.Select(expression => $"({expression})::text"))})::text)";
}
