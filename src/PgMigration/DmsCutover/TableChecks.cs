using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>What must hold of the moved tables, and of what belongs to them, before a cutover by DMS begins.</summary>
internal static class TableChecks
{
    /// <summary>Asks all of it; what need not be wrong is a warning.</summary>
    /// <exception cref="MigrationException"><c>CutoverGateClosed</c>.</exception>
    public static async Task RunAsync(CutoverContext context, NpgsqlConnection source, NpgsqlConnection target, string[] tables, CancellationToken cancel)
    {
        if (await RowIdentity.FindSlipsAsync(source, tables, cancel) is [_, ..] mute)
        {
            throw Preconditions.Closed($"{Count(mute, "tables")} have updates and deletes that do not say which row they are about, so DMS loses them: {Some(mute)}. Run that on the source, then load these tables anew: what was lost does not come back by itself.");
        }

        await CompareAsync(context, source, target, tables, cancel);
        if (await AppRights.FindGapsAsync(source, context.AppLogin?.User, target, context.AppTarget.User, tables, cancel) is [_, ..] denied)
        {
            throw Preconditions.Closed(string.Create(CultureInfo.InvariantCulture,
                $"The app's login {context.AppTarget.User} lacks {denied.Count} rights on the target that it has on the source: {string.Join("; ", denied.Take(8))}{(denied.Count > 8 ? "; …" : string.Empty)}."));
        }

        await WarnOfTablesLeftAsync(context, source, tables, cancel);
        await WarnOfStatisticsAsync(context, target, tables, cancel);
    }

    private static async Task CompareAsync(CutoverContext context, NpgsqlConnection source, NpgsqlConnection target, string[] tables, CancellationToken cancel)
    {
        var found = await PostData.CompareAsync(source, target, tables, context.Options.AcceptDifferences, cancel);
        if (found.Remarks is [_, ..] remarks)
        {
            bool isSameMajor = source.PostgreSqlVersion.Major == target.PostgreSqlVersion.Major;
            context.Observer.Warning($"{Count(remarks, "things")} of the target are other than on the source, and need not be wrong{(isSameMajor ? string.Empty : string.Create(CultureInfo.InvariantCulture, $" (PostgreSQL {target.PostgreSqlVersion.Major} may write a definition otherwise than {source.PostgreSqlVersion.Major})"))}: {Some(remarks)}.");
        }

        if (found.Gaps is [_, ..] gaps)
        {
            throw Preconditions.Closed(PostData.Explain(gaps));
        }
    }

    private static async Task WarnOfTablesLeftAsync(CutoverContext context, NpgsqlConnection source, string[] tables, CancellationToken cancel)
    {
        var left = await source.RowsAsync("""
            select format('%s.%s', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname not in ('pg_catalog', 'information_schema', @own) and n.nspname !~ '^pg_' and c.relname !~ '^awsdms_'
              and format('%s.%s', n.nspname, c.relname) <> all (@moved) and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
            order by 1
            """, row => row.GetString(0), cancel, new NpgsqlParameter<string>("own", MarkTable.Schema), new NpgsqlParameter<string[]>("moved", tables));
        if (left.Count > 0)
        {
            context.Observer.Warning(string.Create(CultureInfo.InvariantCulture, $"{left.Count} tables of the source are in no task and stay behind: {string.Join(", ", left.Take(10))}{(left.Count > 10 ? ", …" : string.Empty)}."));
        }
    }

    private static async Task WarnOfStatisticsAsync(CutoverContext context, NpgsqlConnection target, string[] tables, CancellationToken cancel)
    {
        long blind = await target.ScalarAsync<long>("""
            select count(*) from pg_stat_user_tables where n_live_tup > 10000 and last_analyze is null and last_autoanalyze is null and format('%s.%s', schemaname, relname) = any (@moved)
            """, cancel, new NpgsqlParameter<string[]>("moved", tables));
        if (blind > 0)
        {
            context.Observer.Warning(string.Create(CultureInfo.InvariantCulture, $"{blind} large tables of the target have no statistics yet, and the app's first queries would be planned blindly: run ANALYZE there before the app is moved."));
        }
    }

    private static string Count(IReadOnlyList<string> items, string what) => string.Create(CultureInfo.InvariantCulture, $"{items.Count} {what}");

    private static string Some(IReadOnlyList<string> items) => $"{string.Join("; ", items.Take(8))}{(items.Count > 8 ? "; …" : string.Empty)}";
}
