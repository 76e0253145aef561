using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Indexes that are not valid, and tables whose rows no WAL carries.</summary>
internal static class RelationFindings
{
    private const string Invalid = """
        SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), i.indisunique, i.indislive
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i' JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT (i.indisvalid AND i.indisready AND i.indislive) ORDER BY 1
        """;

    private const string Unlogged = """
        SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relpersistence = 'u' AND c.relkind IN ('r', 'm') ORDER BY 1
        """;

    public static async Task<IReadOnlyList<ReadinessFinding>> FindAsync(NpgsqlConnection session, string database, CancellationToken cancel)
    {
        var invalid = await session.RowsAsync(Invalid, reader => (Name: reader.GetString(0), IsUnique: reader.GetBoolean(1), IsLive: reader.GetBoolean(2)), cancel);
        var findings = invalid.ConvertAll(index => new ReadinessFinding
        {
            Severity = FindingSeverity.Warning,
            Name = "IndexInvalid",
            Database = database,
            Subject = $"index {index.Name}",
            Consequence = "It was left half-built on the source: no query uses it, each write maintains it"
                + (index.IsUnique ? ", and what it was to keep unique may hold duplicates." : "."),
            Fix = index.IsLive ? $"REINDEX INDEX CONCURRENTLY {index.Name};\n-- or\nDROP INDEX CONCURRENTLY {index.Name};" : $"DROP INDEX {index.Name};",
            Indexes = [index.Name],
        });
        var unlogged = await session.RowsAsync(Unlogged, reader => reader.GetString(0), cancel);
        if (unlogged.Count > 0)
        {
            findings.Add(new ReadinessFinding
            {
                Severity = FindingSeverity.Warning,
                Name = "UnloggedTable",
                Database = database,
                Subject = $"{(unlogged.Count == 1 ? "unlogged table" : string.Create(CultureInfo.InvariantCulture, $"{unlogged.Count} unlogged tables:"))} {string.Join(", ", unlogged)}",
                Consequence = "WAL does not carry their rows: they arrive empty.",
                Fix = "-- on the source, early enough for the archive to have it; or fill them anew after the cutover\n" + string.Join('\n', unlogged.Select(table => $"ALTER TABLE {table} SET LOGGED;")),
            });
        }

        return findings;
    }
}
