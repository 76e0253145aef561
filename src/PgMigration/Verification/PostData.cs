using Npgsql;

namespace PgMigration;

/// <summary>What belongs to tables beside their rows, and what only reads them: whether the target has all that the source has, and whether it is valid.</summary>
internal static class PostData
{
    // What DMS does not make: everything here. Sequences and the defaults that take from them are repaired at the cutover.
    private const string Sql = $"""
        with spaces as (select oid, nspname from pg_namespace where nspname not in ('pg_catalog', 'information_schema', '{MarkTable.Schema}') and nspname !~ '^pg_'),
        tables as (select c.oid, format('%I.%I', s.nspname, c.relname) as name, format('%s.%s', s.nspname, c.relname) as plain from pg_class c join spaces s on s.oid = c.relnamespace
                   where c.relkind in ('r', 'p') and c.relname !~ '^awsdms_' and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'))
        select 'index', format('%s on %s', i.relname, t.name), x.indisvalid and x.indisready, t.plain from pg_index x join tables t on t.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
        union all
        select case k.contype when 'p' then 'primary key' when 'u' then 'unique constraint' when 'f' then 'foreign key' when 'c' then 'check' else 'constraint' end,
               format('%s of %s', k.conname, t.name), k.convalidated, t.plain
        from pg_constraint k join tables t on t.oid = k.conrelid where k.contype in ('p', 'u', 'f', 'c', 'x')
        union all
        select 'trigger', format('%s of %s', g.tgname, t.name), g.tgenabled <> 'D', t.plain from pg_trigger g join tables t on t.oid = g.tgrelid
        where not g.tgisinternal and g.tgname !~ '^awsdms_' and g.tgenabled not in ('A', 'R') -- those fire for DMS too, and are made when it has stopped
        union all
        select 'default', format('%s.%I', t.name, a.attname), true, t.plain from pg_attrdef d join tables t on t.oid = d.adrelid join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
        where pg_get_expr(d.adbin, d.adrelid) !~ 'nextval\('
        union all
        select 'NOT NULL', format('%s.%I', t.name, a.attname), true, t.plain from pg_attribute a join tables t on t.oid = a.attrelid where a.attnum > 0 and not a.attisdropped and a.attnotnull
        union all
        select case c.relkind when 'v' then 'view' else 'materialized view' end, format('%I.%I', s.nspname, c.relname), c.relkind = 'v' or c.relispopulated, null
        from pg_class c join spaces s on s.oid = c.relnamespace
        where c.relkind in ('v', 'm') and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
        union all
        select 'function', format('%I.%I(%s)', s.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), true, null
        from pg_proc p join spaces s on s.oid = p.pronamespace
        where p.proname !~ '^awsdms_' and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
        """;

    /// <summary>What the target lacks, or has and cannot use, each in a few words.</summary>
    /// <param name="source">A session on the source.</param>
    /// <param name="target">A session on the target.</param>
    /// <param name="tables">The moved tables, as <c>schema.table</c>; what belongs to others is not asked. What only reads is asked of all.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task<IReadOnlyList<string>> FindGapsAsync(NpgsqlConnection source, NpgsqlConnection target, IReadOnlySet<string> tables, CancellationToken cancel)
    {
        var here = await ReadAsync(source, cancel);
        var there = (await ReadAsync(target, cancel)).ToLookup(item => (item.Kind, item.Name));
        return [.. here.Where(item => item.Table is null || tables.Contains(item.Table))
            .Select(item => there[(item.Kind, item.Name)].ToArray() switch
            {
                [] => $"{item.Kind} {item.Name} is missing",
                [{ IsUsable: false }, ..] when item.IsUsable => $"{item.Kind} {item.Name} is not valid or not enabled",
                _ => null,
            }).OfType<string>()];
    }

    private static Task<List<(string Kind, string Name, bool IsUsable, string? Table)>> ReadAsync(NpgsqlConnection session, CancellationToken cancel) =>
        session.RowsAsync(Sql, row => (row.GetString(0), row.GetString(1), row.GetBoolean(2), row.TextOrNull(3)), cancel);
}
