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

        await CheckEndpointsAsync(context, target, tables, cancel);
        await CheckTablesLeftAsync(context, source, tables, cancel);
        await CompareAsync(context, source, target, tables, cancel);
        await CheckRightsAsync(context, source, target, tables, cancel);
        await WarnOfMaterializedViewsAsync(context, target, cancel);
        await WarnOfStatisticsAsync(context, target, tables, cancel);
    }

    /// <summary>Asks again, just before the pause, what a deploy may have changed meanwhile.</summary>
    /// <exception cref="MigrationException"><c>CutoverGateClosed</c>.</exception>
    public static async Task AgainAsync(CutoverContext context, NpgsqlConnection source, NpgsqlConnection target, string[] tables, CancellationToken cancel)
    {
        if (LeftOut.Explain((await LeftOut.FindAsync(source, tables, cancel)).New) is { } why)
        {
            throw Preconditions.Closed(why);
        }

        if ((await PostData.CompareAsync(source, target, tables, context.Options.AcceptDifferences, cancel)).Gaps is [_, ..] gaps)
        {
            throw Preconditions.Closed(PostData.Explain(gaps));
        }
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

    private static async Task CheckRightsAsync(CutoverContext context, NpgsqlConnection source, NpgsqlConnection target, string[] tables, CancellationToken cancel)
    {
        string login = context.AppTarget.User;
        var logins = await AppRights.LoginsAsync(source, context.AppLogin?.User, login, [.. context.SparedLogins, context.Source.User], tables, cancel);
        if (await AppRights.FindGapsAsync(source, logins, target, login, tables, cancel) is [_, ..] denied)
        {
            string whose = logins is [var one] && (one == login || context.AppLogin is not null) ? "it has on the source" : $"{string.Join(", ", logins)} {(logins.Count == 1 ? "has" : "have")} on the source, where there is no login of its name";
            throw Preconditions.Closed($"The app's login {login} lacks {Count(denied, "rights")} on the target that {whose}: {Some(denied)}. Run that there; Copy-PgSchema -Section PreData copies what was granted, once the roles are there.");
        }
    }

    private static async Task CheckEndpointsAsync(CutoverContext context, NpgsqlConnection target, string[] tables, CancellationToken cancel)
    {
        var link = DmsProof.LinkOf(context);
        using var dms = link.Connect();
        foreach (var task in await DmsTasks.DescribeAsync(dms, link.TaskArns, cancel))
        {
            var (from, to) = (await DmsEndpoints.FindAsync(dms, task.SourceEndpointArn!, cancel), await DmsEndpoints.FindAsync(dms, task.TargetEndpointArn!, cancel));
            if (await DmsEndpointSettings.FindWeaknessesAsync(from, to, target, tables, cancel) is [_, ..] weaknesses)
            {
                throw Preconditions.Closed($"Task {task.ReplicationTaskIdentifier} may have put other rows on the target: {Some(weaknesses)}. Stop the task, change the endpoint (aws dms modify-endpoint), and load its tables anew: what was written wrongly stays.");
            }
        }
    }

    private static async Task CheckTablesLeftAsync(CutoverContext context, NpgsqlConnection source, string[] tables, CancellationToken cancel)
    {
        var (known, since) = await LeftOut.FindAsync(source, tables, cancel);
        if (LeftOut.Explain(since) is { } why)
        {
            throw Preconditions.Closed(why);
        }

        if (known.Length > 0)
        {
            context.Observer.Warning(string.Create(CultureInfo.InvariantCulture, $"{known.Length} tables of the source are in no task and stay behind: {string.Join(", ", known.Take(10))}{(known.Length > 10 ? ", …" : string.Empty)}."));
        }
    }

    // Their rows are nobody's changes: DMS moves none, and when they were last made nobody notes.
    private static async Task WarnOfMaterializedViewsAsync(CutoverContext context, NpgsqlConnection target, CancellationToken cancel)
    {
        var views = await target.RowsAsync("""
            select format('REFRESH MATERIALIZED VIEW %I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind = 'm' and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e') order by c.oid
            """, row => row.GetString(0), cancel);
        if (views.Count > 0)
        {
            context.Observer.Warning($"{Count(views, "materialized views")} of the target hold what they held at their last refresh there, which may be days ago; DMS does not move them. Refresh them just before, or as soon as the app is there: {Some(views)}.");
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
