using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Columns that are large objects to DMS, with their largest value: it cuts what is longer than LobMaxSize, without a word.</summary>
/// <remarks>
/// The length of text and bytes is known without reading them. Of a large table only a part is looked at, and the finding says so: what a task
/// needs is measured in full by Start-PgDmsReplication.
/// </remarks>
internal static class LargeValueFindings
{
    /// <summary>LobMaxSize when nobody says otherwise, in bytes.</summary>
    private const long DefaultLimit = 32 * 1024;

    private const string Columns = $"""
        SELECT {ReadinessRule.Table}, array_agg(quote_ident(a.attname) ORDER BY a.attnum), array_agg(a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'bytea'::regtype) ORDER BY a.attnum), array_agg(a.atttypid = 'bytea'::regtype ORDER BY a.attnum), pg_relation_size(c.oid)
        FROM {ReadinessRule.AppColumns} WHERE {LobTypes.IsLob} AND has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') GROUP BY c.oid, n.nspname, c.relname ORDER BY 1
        """;

    public static async Task<IReadOnlyList<ReadinessFinding>> FindAsync(NpgsqlConnection session, string database, long sampleBytes, TimeSpan patience, IMigrationObserver observer, CancellationToken cancel)
    {
        var findings = new List<ReadinessFinding>();
        var tables = await session.RowsAsync(Columns, row => (Name: row.GetString(0), Columns: row.GetFieldValue<string[]>(1), Texts: row.GetFieldValue<bool[]>(2), Binaries: row.GetFieldValue<bool[]>(3), Bytes: row.GetInt64(4)), cancel);
        for (int place = 0; place < tables.Count; place++)
        {
            var table = tables[place];
            observer.Progress(new MigrationProgress("Measuring large values", string.Create(CultureInfo.InvariantCulture, $"{table.Name}: {place + 1} of {tables.Count} tables")) { Percent = 100 * place / tables.Count });
            double percent = table.Bytes <= sampleBytes ? 100 : 100.0 * sampleBytes / table.Bytes;
            if (await LengthsAsync(session, table.Name, table.Columns, table.Texts, percent, patience, cancel) is not { } lengths)
            {
                findings.Add(Unknown(database, table.Name, table.Columns, patience));
                continue;
            }

            findings.AddRange(table.Columns.Select((column, i) => Finding(database, $"{table.Name}.{column}", lengths[i], table.Binaries[i], percent)).OfType<ReadinessFinding>());
        }

        observer.Progress(new MigrationProgress("Measuring large values", "done") { Completed = true });
        return findings;
    }

    private static async Task<long[]?> LengthsAsync(NpgsqlConnection session, string table, string[] columns, bool[] texts, double percent, TimeSpan patience, CancellationToken cancel)
    {
        string sample = percent >= 100 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $" TABLESAMPLE SYSTEM ({percent})");
        string lengths = string.Join(", ", columns.Select((column, i) => $"coalesce(max(octet_length({column}{(texts[i] ? string.Empty : "::text")})), 0)::bigint"));
        try
        {
            await using var transaction = await session.BeginTransactionAsync(cancel);
            await session.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"SET LOCAL statement_timeout = {(long)patience.TotalMilliseconds}"), cancel);
            return (await session.RowsAsync($"SELECT {lengths} FROM ONLY {table}{sample}", row => columns.Select((_, i) => row.GetInt64(i)).ToArray(), cancel))[0];
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.QueryCanceled && !cancel.IsCancellationRequested)
        {
            return null;
        }
    }

    private static ReadinessFinding? Finding(string database, string column, long length, bool isBinary, double percent)
    {
        long needed = isBinary ? length : 2 * length; // characters count two bytes at least, rare ones four
        string seen = percent >= 100 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $" (in a sample of {percent:0.##} % of the table)");
        return length == 0 ? null : new ReadinessFinding
        {
            Severity = needed > DefaultLimit ? FindingSeverity.Warning : FindingSeverity.Info,
            Name = "LargeColumn",
            Database = database,
            Subject = column,
            Consequence = string.Create(CultureInfo.InvariantCulture, $"Its largest value has {length:N0} bytes{seen}: {(needed > DefaultLimit ? "limited LOB mode would cut it at LobMaxSize, 32 KB when nobody says otherwise, without a word." : "within LobMaxSize as it is.")}"),
            Fix = needed > DefaultLimit ? string.Create(CultureInfo.InvariantCulture, $"Start-PgDmsReplication measures and sets it. By hand: LobMaxSize of at least {(needed + 1023) / 1024} KB ({(isBinary ? needed + 1023 : (2 * needed) + 1023) / 1024} KB with characters beyond the basic plane) and room to grow, or FullLobMode.") : "Nothing, as long as they do not grow.",
        };
    }

    private static ReadinessFinding Unknown(string database, string table, string[] columns, TimeSpan patience) => new()
    {
        Severity = FindingSeverity.Warning, Name = "LargeColumnUnmeasured", Database = database, Subject = $"{table} ({string.Join(", ", columns)})",
        Consequence = string.Create(CultureInfo.InvariantCulture, $"Its large columns could not be measured within {patience.TotalSeconds:0.#} s: DMS cuts what is longer than LobMaxSize, without a word."),
        Fix = "Start-PgDmsReplication measures them in full; or give more time with -MeasureFor.",
    };
}
