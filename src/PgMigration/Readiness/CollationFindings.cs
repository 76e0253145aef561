using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>
/// Collations that sort otherwise here than where the data come from: another glibc or ICU. The indexes on such text were built in the
/// old order; searches miss rows that are there, and unique indexes let duplicates in.
/// </summary>
internal static class CollationFindings
{
    private const uint DefaultCollation = 100; // DEFAULT_COLLATION_OID in PostgreSQL's pg_collation.dat

    private const string Versions = """
        SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.collname), c.collversion, pg_collation_actual_version(c.oid)
        FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
        WHERE c.collversion IS NOT NULL AND c.collversion IS DISTINCT FROM pg_collation_actual_version(c.oid)
          AND EXISTS (SELECT FROM pg_attribute a WHERE a.attcollation = c.oid AND a.attrelid >= 16384)
        """;

    // From 15 on the database remembers which version its own collation had.
    private const string DatabaseVersion = """
        SELECT 100::oid, quote_ident(datname), datcollversion, pg_database_collation_actual_version(oid) FROM pg_database
        WHERE datname = current_database() AND datcollversion IS NOT NULL AND datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid)
        """;

    // Before 15 nobody wrote it down. "C", "C.UTF-8" and "POSIX" are the order of code points, on every system.
    private const string DatabaseUnknown = "SELECT datcollate::text FROM pg_database WHERE datname = current_database() AND datcollate NOT IN ('C', 'POSIX') AND datcollate NOT LIKE 'C.%'";

    private const string Indexes = """
        SELECT DISTINCT quote_ident(n.nspname) || '.' || quote_ident(c.relname), k.oid
        FROM pg_index i
        JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
        JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL unnest(i.indcollation::oid[]) AS k(oid)
        WHERE k.oid <> 0 AND i.indrelid >= 16384 AND n.nspname NOT LIKE 'pg\_temp%'
        ORDER BY 1
        """;

    public static async Task<IReadOnlyList<ReadinessFinding>> FindAsync(NpgsqlConnection session, string database, CancellationToken cancel)
    {
        bool remembers = session.PostgreSqlVersion.Major >= 15;
        var differing = await session.RowsAsync(Versions, Read, cancel);
        if (remembers)
        {
            differing.AddRange(await session.RowsAsync(DatabaseVersion, Read, cancel));
        }

        var unknown = remembers ? [] : await session.RowsAsync(DatabaseUnknown, reader => reader.GetString(0), cancel);
        if (differing.Count == 0 && unknown.Count == 0)
        {
            return [];
        }

        var indexes = (await session.RowsAsync(Indexes, reader => (Name: reader.GetString(0), Collation: reader.GetFieldValue<uint>(1)), cancel)).ToLookup(row => row.Collation, row => row.Name);
        var findings = differing.ConvertAll(row => Differs(database, row, [.. indexes[row.Oid]]));
        findings.AddRange(unknown.Where(_ => indexes[DefaultCollation].Any()).Select(locale => Unknown(database, locale, [.. indexes[DefaultCollation]])));
        return findings;
    }

    private static ReadinessFinding Differs(string database, (uint Oid, string Name, string Recorded, string? Actual) row, IReadOnlyList<string> indexes)
    {
        bool isDatabases = row.Oid == DefaultCollation;
        string refresh = isDatabases ? $"ALTER DATABASE {row.Name} REFRESH COLLATION VERSION;" : $"ALTER COLLATION {row.Name} REFRESH VERSION;";
        return new ReadinessFinding
        {
            Severity = indexes.Count > 0 ? FindingSeverity.Blocker : FindingSeverity.Info,
            Name = "CollationVersionDiffers",
            Database = database,
            Subject = isDatabases ? $"the collation of database {row.Name}" : $"collation {row.Name}",
            Consequence = $"The data were sorted by version {row.Recorded}, this server has {row.Actual ?? "none of that name"}. "
                + (indexes.Count == 0 ? "No index depends on it." : string.Create(CultureInfo.InvariantCulture, $"{indexes.Count} indexes may be in the wrong order: searches can miss rows, and unique ones let duplicates in.")),
            Fix = $"-- after the promotion, before the app writes{Rebuild(indexes)}\n{refresh}",
            Indexes = indexes,
        };
    }

    private static ReadinessFinding Unknown(string database, string locale, IReadOnlyList<string> indexes) => new()
    {
        Severity = FindingSeverity.Warning,
        Name = "CollationVersionUnknown",
        Database = database,
        Subject = $"the locale {locale} of database {database}",
        Consequence = string.Create(CultureInfo.InvariantCulture, $"Before version 15 a database does not remember by which version of its locale it was sorted. If the source's glibc is another one than this server's, {indexes.Count} indexes may be in the wrong order."),
        Fix = $"-- after the promotion: check each with SELECT bt_index_check('…', true) of the extension amcheck, or rebuild them all{Rebuild(indexes)}",
        Indexes = indexes,
    };

    private static string Rebuild(IReadOnlyList<string> indexes) => string.Concat(indexes.Select(index => $"\nREINDEX INDEX {index};"));

    private static (uint Oid, string Name, string Recorded, string? Actual) Read(NpgsqlDataReader reader) =>
        (reader.GetFieldValue<uint>(0), reader.GetString(1), reader.GetString(2), reader.IsDBNull(3) ? null : reader.GetString(3));
}
