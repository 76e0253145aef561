using Npgsql;

namespace PgMigration;

/// <summary>Whether the app's login may do on the target what it may on the source: rights are not rows, and nothing that copies rows brings them.</summary>
internal static class AppRights
{
    private const string Sql = """
        select format('%s.%s', n.nspname, c.relname), p.privilege
        from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p(privilege)
        where c.relkind = 'r' and format('%s.%s', n.nspname, c.relname) = any (@tables) and has_table_privilege(@login, c.oid, p.privilege) and has_schema_privilege(@login, n.oid, 'USAGE')
        """;

    // The sequence of an identity column needs no right of its own. CASE: conditions are asked in any order, and this one fails on a table.
    private const string SequencesSql = """
        select distinct format('%I.%I', sn.nspname, s.relname)
        from pg_depend d join pg_attrdef a on a.oid = d.objid and d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass
        join pg_class s on s.oid = d.refobjid and s.relkind = 'S' join pg_namespace sn on sn.oid = s.relnamespace
        join pg_class c on c.oid = a.adrelid join pg_namespace n on n.oid = c.relnamespace
        where format('%s.%s', n.nspname, c.relname) = any (@tables) and has_table_privilege(@login, c.oid, 'INSERT')
          and case s.relkind when 'S' then not (has_sequence_privilege(@login, s.oid, 'USAGE') or has_sequence_privilege(@login, s.oid, 'UPDATE')) end order by 1
        """;

    /// <summary>What is missing, each as the GRANT that gives it.</summary>
    /// <param name="source">A session on the source; null when it is fenced, and only the sequences are to be asked.</param>
    /// <param name="sourceLogin">The app's login there; null when it is not known.</param>
    /// <param name="target">A session on the target.</param>
    /// <param name="targetLogin">The app's login there.</param>
    /// <param name="tables">The moved tables, as <c>schema.table</c>.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task<IReadOnlyList<string>> FindGapsAsync(NpgsqlConnection? source, string? sourceLogin, NpgsqlConnection target, string targetLogin, string[] tables, CancellationToken cancel)
    {
        var gaps = new List<string>();
        if (source is not null && sourceLogin is not null)
        {
            var there = (await ReadAsync(target, targetLogin, tables, cancel)).ToHashSet();
            gaps.AddRange((await ReadAsync(source, sourceLogin, tables, cancel)).Where(right => !there.Contains(right)).GroupBy(right => right.Table)
                .Select(table => $"GRANT {string.Join(", ", table.Select(right => right.Privilege))} ON {table.Key} TO {SqlText.Name(targetLogin)}"));
        }

        gaps.AddRange((await target.RowsAsync(SequencesSql, row => row.GetString(0), cancel, new NpgsqlParameter<string[]>("tables", tables), new NpgsqlParameter<string>("login", targetLogin)))
            .Select(sequence => $"GRANT USAGE ON SEQUENCE {sequence} TO {SqlText.Name(targetLogin)}"));
        return gaps;
    }

    private static Task<List<(string Table, string Privilege)>> ReadAsync(NpgsqlConnection session, string login, string[] tables, CancellationToken cancel) =>
        session.RowsAsync(Sql, row => (row.GetString(0), row.GetString(1)), cancel, new NpgsqlParameter<string[]>("tables", tables), new NpgsqlParameter<string>("login", login));
}
