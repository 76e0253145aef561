using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>One question to a server whose every row is a finding.</summary>
/// <param name="Name">The finding's name.</param>
/// <param name="Severity">How grave it is.</param>
/// <param name="Sql">Its rows are texts: the subject first, then what the other texts mention.</param>
/// <param name="Consequence">What comes of it, with <c>{0}</c> for the subject, <c>{1}</c> for the next column.</param>
/// <param name="Fix">What to do, likewise.</param>
internal sealed record ReadinessRule(string Name, FindingSeverity Severity, string Sql, string Consequence, string Fix)
{
    /// <summary>The tables that are the app's: <c>pg_class c</c> and <c>pg_namespace n</c>, without what belongs to extensions, DMS and ourselves.</summary>
    public const string AppTables = """
        pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'pgmigration') AND c.relname !~ '^awsdms_'
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
        """;

    /// <summary>The login that DMS has, or is to have: a setting of the session that asks, see <see cref="NameLoginAsync"/>.</summary>
    public const string DmsLogin = "current_setting('pgmigration.dms_login')";

    /// <summary>A table's quoted name.</summary>
    public const string Table = "quote_ident(n.nspname) || '.' || quote_ident(c.relname)";

    /// <summary>Its quoted name and column.</summary>
    public const string Column = $"{Table} || '.' || quote_ident(a.attname)";

    /// <summary>The columns of the app's ordinary tables: <c>pg_attribute a</c> with the above.</summary>
    public const string AppColumns = $"pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN {AppTables} ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'r' AND c.relpersistence <> 't'";

    /// <summary>Says whose rights count; the session's own where nobody else is named.</summary>
    public static Task NameLoginAsync(NpgsqlConnection session, string? login, CancellationToken cancel) =>
        session.ExecuteAsync("SELECT set_config('pgmigration.dms_login', coalesce(@login, current_user), false)", cancel, new NpgsqlParameter<string?>("login", login));

    /// <summary>Asks; returns a finding for each row.</summary>
    public async Task<IReadOnlyList<ReadinessFinding>> AskAsync(NpgsqlConnection session, string? database, CancellationToken cancel) => await session.RowsAsync(Sql, row =>
    {
        object?[] columns = [.. Enumerable.Range(0, row.FieldCount).Select(row.TextOrNull)];
        return new ReadinessFinding
        {
            Severity = Severity, Name = Name, Database = database, Subject = (string)columns[0]!,
            Consequence = string.Format(CultureInfo.InvariantCulture, Consequence, columns), Fix = string.Format(CultureInfo.InvariantCulture, Fix, columns),
        };
    }, cancel);
}
