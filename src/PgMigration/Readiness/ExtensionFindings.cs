using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>Extensions whose libraries or versions this server does not have. They fail only when they are used: in the app, after the cutover.</summary>
internal static class ExtensionFindings
{
    // Functions in C name their library in probin: "$libdir/postgis-3", "$libdir/plpgsql", an absolute path, with or without its ending
    // (expand_dynamic_library_name in PostgreSQL's dfmgr.c).
    private const string Libraries = """
        WITH library AS (
            SELECT p.probin, coalesce(min(e.extname)::text, min(n.nspname || '.' || p.proname)) AS owner, bool_or(e.oid IS NOT NULL) AS of_extension, count(*) AS functions,
                   replace(CASE WHEN p.probin LIKE '%/%' THEN p.probin ELSE '$libdir/' || p.probin END, '$libdir', (SELECT setting FROM pg_config WHERE name = 'PKGLIBDIR')) AS path
            FROM pg_proc p
            JOIN pg_namespace n ON n.oid = p.pronamespace
            JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'c'
            LEFT JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
            LEFT JOIN pg_extension e ON e.oid = d.refobjid
            WHERE p.probin IS NOT NULL
            GROUP BY p.probin)
        SELECT probin, owner, of_extension, functions FROM library
        WHERE pg_stat_file(path, true) IS NULL AND pg_stat_file(path || '.so', true) IS NULL
        ORDER BY 2
        """;

    private const string Versions = """
        SELECT e.extname::text, e.extversion, a.default_version
        FROM pg_extension e LEFT JOIN pg_available_extensions a ON a.name = e.extname
        WHERE NOT EXISTS (SELECT FROM pg_available_extension_versions v WHERE v.name = e.extname AND v.version = e.extversion)
        ORDER BY 1
        """;

    public static async Task<IReadOnlyList<ReadinessFinding>> FindAsync(NpgsqlConnection session, string database, CancellationToken cancel)
    {
        var missing = await session.RowsAsync(Libraries, reader => (Library: reader.GetString(0), Owner: reader.GetString(1), IsExtension: reader.GetBoolean(2), Functions: reader.GetInt64(3)), cancel);
        var findings = missing.ConvertAll(row => new ReadinessFinding
        {
            Severity = FindingSeverity.Blocker,
            Name = "LibraryMissing",
            Database = database,
            Subject = row.IsExtension ? $"extension {row.Owner}" : $"function {row.Owner}",
            Consequence = string.Create(CultureInfo.InvariantCulture, $"Its library {row.Library} is not on this server: {row.Functions} functions fail when they are called, and so does what uses them (types, operators, indexes)."),
            Fix = row.IsExtension
                ? $"Install the package of {row.Owner} for this server's major version (Debian: postgresql-<major>-<name>, or postgresql-contrib); no restart is needed."
                : $"Install what holds {row.Library}, or drop the function on the source.",
        });
        var versions = await session.RowsAsync(Versions, reader => (Name: reader.GetString(0), Version: reader.GetString(1), Offered: reader.IsDBNull(2) ? null : reader.GetString(2)), cancel);
        findings.AddRange(versions.Where(row => !missing.Exists(library => library.IsExtension && library.Owner == row.Name)).Select(row => new ReadinessFinding
        {
            Severity = FindingSeverity.Warning,
            Name = row.Offered is null ? "ExtensionNotInstalled" : "ExtensionVersionDiffers",
            Database = database,
            Subject = $"extension {row.Name}",
            Consequence = row.Offered is null
                ? $"Its scripts (version {row.Version}) are not on this server: it works as it is, but cannot be updated, dumped and created elsewhere from here."
                : $"The data know version {row.Version}, this server has {row.Offered}: functions may be missing or behave otherwise.",
            Fix = row.Offered is null ? $"Install the package of {row.Name} for this server's major version." : $"-- after the promotion\nALTER EXTENSION {Quoted(row.Name)} UPDATE;",
        }));
        return findings;
    }

    private static string Quoted(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
