using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace PgMigration;

/// <summary>Reads which tables of a source are to be moved, and what DMS will make of them.</summary>
internal static class DmsTables
{
    // A LOB to DMS is what has no limit of its own: long characters, documents, bytes, arrays, and what extensions and compositions make.
    // A domain is what lies under it.
    private const string Sql = $$"""
        select n.nspname, c.relname, pg_table_size(c.oid), c.relreplident = 'f', c.relpersistence = 'u',
               coalesce(k.columns, '{}'), coalesce(k.is_integer, false),
               coalesce(l.names, '{}'), coalesce(l.binaries, '{}'), coalesce(l.texts, '{}'), coalesce(k.is_large, false), {{RowIdentity.Gap}}
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        left join lateral (
            select array_agg(a.attname::text order by i.place) as columns, count(*) = 1 and bool_and(a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)) as is_integer,
                   bool_or({{LobTypes.IsNoKey}}) as is_large
            from pg_index x cross join lateral unnest(x.indkey) with ordinality i(attnum, place) join pg_attribute a on a.attrelid = c.oid and a.attnum = i.attnum
            where x.indrelid = c.oid and x.indisprimary) k on true
        left join lateral (
            select array_agg(a.attname::text order by a.attnum) as names, array_agg(t.typname = 'bytea' order by a.attnum) as binaries,
                   array_agg(t.typname in ('text', 'varchar', 'bpchar', 'bytea', 'citext') order by a.attnum) as texts
            from pg_attribute a cross join lateral (
                with recursive under as (
                    select b.typname, b.typtype, b.typbasetype from pg_type b where b.oid = a.atttypid
                    union all
                    select b.typname, b.typtype, b.typbasetype from under u join pg_type b on b.oid = u.typbasetype where u.typtype = 'd')
                select typname from under where typtype <> 'd') t
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and ({{LobTypes.IsLob}} or t.typname = 'bpchar' and a.atttypmod < 0)) l on true
        where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname not in ('pg_catalog', 'information_schema', @own) and n.nspname !~ '^pg_'
          and c.relname !~ '^awsdms_' and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
        order by n.nspname, c.relname
        """;

    /// <summary>The tables that fit the patterns, by name. Partitions are tables of their own to DMS; their parents hold nothing.</summary>
    /// <exception cref="MigrationException"><c>DmsNoTables</c>.</exception>
    public static async Task<IReadOnlyList<DmsTable>> ReadAsync(NpgsqlConnection source, DmsReplicationOptions options, CancellationToken cancel)
    {
        var all = await source.RowsAsync(Sql, row => new DmsTable(
            row.GetString(0), row.GetString(1), row.GetInt64(2), row.GetFieldValue<string[]>(5), row.GetBoolean(6), row.GetBoolean(3), row.GetBoolean(4),
            Lobs(row.GetFieldValue<string[]>(7), row.GetFieldValue<bool[]>(8), row.GetFieldValue<bool[]>(9))) { HasLargeKey = row.GetBoolean(10), IdentityGap = row.TextOrNull(11) }, cancel, new NpgsqlParameter<string>("own", MarkTable.Schema));
        var chosen = all.Where(table => options.Schemas.Any(pattern => Fits(table.Schema, pattern))
            && options.Tables.Any(pattern => Fits(table, pattern)) && !options.Exclude.Any(pattern => Fits(table, pattern))).ToArray();
        return chosen.Length > 0 ? chosen : throw new MigrationException("DmsNoTables", MigrationErrorKind.NotFound, string.Create(CultureInfo.InvariantCulture,
            $"None of the {all.Count} tables of the source fits -Schema {string.Join(", ", options.Schemas)}, -Table {string.Join(", ", options.Tables)}{(options.Exclude.Count > 0 ? $" and -Exclude {string.Join(", ", options.Exclude)}" : string.Empty)}."));
    }

    /// <summary>The tables with boundaries for those that are to be loaded in ranges: at even places of what ANALYZE knows of the key, else of its limits.</summary>
    public static async Task<IReadOnlyList<DmsTable>> WithRangesAsync(NpgsqlConnection source, IReadOnlyList<DmsTable> tables, DmsReplicationOptions options, CancellationToken cancel)
    {
        var result = new List<DmsTable>();
        foreach (var table in tables)
        {
            int ranges = table.HasIntegerKey && table.Bytes >= options.ParallelLoadFrom ? Math.Min(options.MaxFullLoadSubTasks, (int)Math.Min(64, 2 * table.Bytes / Math.Max(1, options.ParallelLoadFrom))) : 1;
            result.Add(ranges < 2 ? table : table with { Boundaries = await BoundariesAsync(source, table, ranges, cancel) });
        }

        return result;
    }

    /// <summary>Divides the tables among tasks so that each has about the same size: the largest first, each to the task with the least.</summary>
    public static IReadOnlyList<IReadOnlyList<DmsTable>> Split(IReadOnlyList<DmsTable> tables, int tasks)
    {
        var parts = Enumerable.Range(0, Math.Min(tasks, tables.Count)).Select(_ => new List<DmsTable>()).ToArray();
        foreach (var table in tables.OrderByDescending(table => table.Bytes).ThenBy(table => table.ToString(), StringComparer.Ordinal))
        {
            parts.MinBy(part => part.Sum(each => each.Bytes))!.Add(table);
        }

        return parts;
    }

    /// <summary>Whether a name fits a pattern with * and ?.</summary>
    internal static bool Fits(string name, string pattern) =>
        Regex.IsMatch(name, $"^{Regex.Escape(pattern).Replace(@"\*", ".*", StringComparison.Ordinal).Replace(@"\?", ".", StringComparison.Ordinal)}$", RegexOptions.Singleline | RegexOptions.CultureInvariant);

    /// <summary>Whether a table fits a pattern of names, or of <c>schema.table</c>.</summary>
    internal static bool Fits(string schema, string name, string pattern) => Fits(pattern.Contains('.', StringComparison.Ordinal) ? $"{schema}.{name}" : name, pattern);

    private static bool Fits(DmsTable table, string pattern) => Fits(table.Schema, table.Name, pattern);

    private static DmsLobColumn[] Lobs(string[] names, bool[] binaries, bool[] texts) => [.. names.Select((name, place) => new DmsLobColumn(name, binaries[place], texts[place]))];

    private static async Task<IReadOnlyList<string>> BoundariesAsync(NpgsqlConnection source, DmsTable table, int ranges, CancellationToken cancel)
    {
        string key = SqlText.Name(table.KeyColumns[0]);
        var known = (await source.RowsAsync("""
            select histogram_bounds::text::bigint[] from pg_stats where schemaname = @schema and tablename = @table and attname = @column and histogram_bounds is not null
            """, row => row.GetFieldValue<long[]>(0), cancel, new NpgsqlParameter<string>("schema", table.Schema), new NpgsqlParameter<string>("table", table.Name), new NpgsqlParameter<string>("column", table.KeyColumns[0]))).FirstOrDefault();
        if (known is null || known.Length <= ranges)
        {
            var ends = (await source.RowsAsync($"select min({key})::bigint, max({key})::bigint from only {table.Quoted}", row => row.IsDBNull(0) ? null : new[] { row.GetInt64(0), row.GetInt64(1) }, cancel))[0];
            known = ends is null ? [] : [.. Enumerable.Range(0, ranges + 1).Select(place => ends[0] + (long)((ends[1] - (double)ends[0]) * place / ranges))];
        }

        return known.Length <= ranges ? []
            : [.. Enumerable.Range(1, ranges - 1).Select(place => known[(known.Length - 1) * place / ranges]).Distinct().Select(value => value.ToString(CultureInfo.InvariantCulture))];
    }
}
