using System.Globalization;

namespace PgMigration;

/// <summary>Compares the tables that were filled before the backup, whole: rows and a sum of their hashes.</summary>
internal static class FilledDataComparison
{
    /// <summary>Proves that they are the same on both servers.</summary>
    public static async Task<RehearsalProof> ProveAsync(PgServer oldServer, PgServer newServer, CancellationToken cancel)
    {
        var onOld = ReadAsync(oldServer, cancel);
        var onNew = ReadAsync(newServer, cancel);
        await Task.WhenAll(onOld, onNew);
        var (expected, found) = (await onOld, await onNew);
        var against = RehearsalData.FilledTables.Where((_, table) => expected[table] != found[table])
            .Select(name => $"{name} differs").ToList();
        return RehearsalProof.Of(RehearsalProofs.SameData, against,
            string.Create(CultureInfo.InvariantCulture, $"{expected.Sum(table => table.Rows)} rows in {expected.Count} tables"));
    }

    private static async Task<IReadOnlyList<(long Rows, decimal Sum)>> ReadAsync(PgServer server, CancellationToken cancel)
    {
        var tables = new List<(long, decimal)>();
        await using var connection = await server.ConnectAsync(cancel);
        foreach (string table in RehearsalData.FilledTables)
        {
            tables.AddRange(await connection.RowsAsync($"SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {table} t",
                row => (row.GetInt64(0), row.GetDecimal(1)), cancel));
        }

        return tables;
    }
}
