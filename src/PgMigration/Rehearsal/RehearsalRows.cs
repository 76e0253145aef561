using System.Globalization;

namespace PgMigration;

/// <summary>All rows of the app's tables on one server, by what identifies them.</summary>
internal sealed class RehearsalRows
{
    private readonly List<WrittenRow> _all = [];
    private readonly HashSet<WrittenRow> _rows = [];

    /// <summary>Every row as it was found, doubles included.</summary>
    public IReadOnlyList<WrittenRow> All => _all;

    /// <summary>How many rows there are.</summary>
    public int Count => _all.Count;

    /// <summary>A sentence for each token that is there more than once, and for each id.</summary>
    public IEnumerable<string> Doubled =>
        _all.GroupBy(row => row.Token).Where(same => same.Count() > 1)
            .Select(same => string.Create(CultureInfo.InvariantCulture, $"token {same.Key} is stored {same.Count()} times: {string.Join(", ", same.Select(RehearsalProofs.Describe))}"))
            .Concat(_all.GroupBy(row => (row.Table, row.Id)).Where(same => same.Count() > 1)
                .Select(same => string.Create(CultureInfo.InvariantCulture, $"id {same.Key.Id} of {RehearsalTable.All[same.Key.Table].Name} is stored {same.Count()} times")));

    /// <summary>Reads them without the help of indexes, since an index can hide a double.</summary>
    public static async Task<RehearsalRows> ReadAsync(PgServer server, CancellationToken cancel)
    {
        var found = new RehearsalRows();
        await using var connection = await server.ConnectAsync("-c enable_indexscan=off -c enable_indexonlyscan=off -c enable_bitmapscan=off", cancel);
        for (int table = 0; table < RehearsalTable.All.Count; table++)
        {
            int number = table;
            found._all.AddRange(await connection.RowsAsync($"SELECT {RehearsalTable.All[table].IdColumn}::bigint, token FROM {RehearsalTable.All[table].Name}",
                row => new WrittenRow(number, row.GetInt64(0), row.GetInt64(1)), cancel));
        }

        found._rows.UnionWith(found._all);
        return found;
    }

    /// <summary>Whether the row is there, with the id that was acknowledged.</summary>
    public bool Contains(WrittenRow row) => _rows.Contains(row);
}
