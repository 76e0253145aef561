using Npgsql;

namespace PgMigration;

/// <summary>
/// Remembers on the source which tables were knowingly not moved, so that the cutover can tell them from those that came later: a table of
/// tonight's deploy, a partition of tomorrow, which nobody decided to leave behind.
/// </summary>
internal static class LeftOut
{
    private const string Table = $"{MarkTable.Schema}.left_out";

    private const string Sql = $"""
        select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname not in ('pg_catalog', 'information_schema', '{MarkTable.Schema}') and n.nspname !~ '^pg_' and c.relname !~ '^awsdms_'
          and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
        order by 1, 2
        """;

    /// <summary>Notes what a start leaves out: at the first one all that is not moved, later only what it names with -Exclude, since the rest may have come meanwhile.</summary>
    /// <param name="source">A session on the source.</param>
    /// <param name="moved">What tasks of ours name, as <c>schema.table</c>.</param>
    /// <param name="options">What was asked for.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task RememberAsync(NpgsqlConnection source, IReadOnlySet<string> moved, DmsReplicationOptions options, CancellationToken cancel)
    {
        bool isFirst = !await IsThereAsync(source, cancel);
        string[] left = [.. (await ReadAsync(source, cancel)).Where(table => !moved.Contains(Title(table)) && (isFirst || options.Exclude.Any(pattern => DmsTables.Fits(table.Schema, table.Name, pattern)))).Select(Title)];
        await source.ExecuteAsync($"create table if not exists {Table} (name varchar(255) primary key); insert into {Table} select unnest(@left) on conflict do nothing", cancel, new NpgsqlParameter<string[]>("left", left));
    }

    /// <summary>The tables that are in no task: those that were left out knowingly, and those that came since. A link from before that was noted has only the former.</summary>
    public static async Task<(string[] Known, string[] New)> FindAsync(NpgsqlConnection source, IEnumerable<string> moved, CancellationToken cancel)
    {
        string[] left = [.. (await ReadAsync(source, cancel)).Select(Title).Except(moved)];
        var known = await IsThereAsync(source, cancel) ? (await source.RowsAsync($"select name from {Table}", row => row.GetString(0), cancel)).ToHashSet() : [.. left];
        return ([.. left.Where(known.Contains)], [.. left.Where(table => !known.Contains(table))]);
    }

    /// <summary>Why tables that came since must not be left behind, and the way on; null when there are none.</summary>
    public static string? Explain(string[] since) => since.Length == 0 ? null
        : $"{string.Join(", ", since.Take(10))}{(since.Length > 10 ? ", …" : string.Empty)} came to the source after Start-PgDmsReplication and {(since.Length == 1 ? "is" : "are")} in no task, so the app would miss what is in there. Move {(since.Length == 1 ? "it" : "them")} (Copy-PgSchema -Section PreData, then Start-PgDmsReplication with another -Name and -Table {since[0]}; Get-MigrationLink then finds the link of all tasks), or say that {(since.Length == 1 ? "it stays" : "they stay")} behind: run Start-PgDmsReplication as before with -Exclude {since[0]}.";

    /// <summary>Forgets it all.</summary>
    public static Task ForgetAsync(NpgsqlConnection session, CancellationToken cancel) => session.ExecuteAsync($"drop table if exists {Table}", cancel);

    private static Task<bool> IsThereAsync(NpgsqlConnection source, CancellationToken cancel) => source.ScalarAsync<bool>($"select to_regclass('{Table}') is not null", cancel);

    private static Task<List<(string Schema, string Name)>> ReadAsync(NpgsqlConnection source, CancellationToken cancel) => source.RowsAsync(Sql, row => (row.GetString(0), row.GetString(1)), cancel);

    private static string Title((string Schema, string Name) table) => $"{table.Schema}.{table.Name}";
}
