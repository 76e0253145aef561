using System.Diagnostics;
using System.Globalization;

namespace PgMigration;

/// <summary>Asks everything that must hold before anything is touched.</summary>
public sealed class CheckGates : ICutoverStep
{
    private static readonly TimeSpan WorthTelling = TimeSpan.FromMilliseconds(500);

    /// <inheritdoc/>
    public string Name => nameof(CheckGates);

    /// <inheritdoc/>
    public string Effect => "check the lag, the login's rights to fence, open and prepared transactions, the target's room and settings, what the copy does not carry, the app, its login at the target (through PgBouncer by an entry that is in its file for a moment) and every gate; change nothing else";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        await CheckSourceAsync(context, cancel);
        if (await WalFiller.FindMissingRightAsync(await context.SourceSessionAsync(cancel), cancel) is { } grant)
        {
            throw Closed($"The login {context.Source.User} may not call pg_logical_emit_message() on the source, which marks the WAL and completes its segments; without it the archive gets the last one at archive_timeout only. A superuser runs: {grant}.");
        }

        string cluster = await CheckTargetAsync(context, cancel);
        await CheckAppTargetAsync(context, cancel);
        await Blockers.CheckAsync(context, cancel);
        if (context.Options.KeepSourceInSync)
        {
            await WayBack.CheckAsync(context, cancel);
        }

        return $"{cluster}, {await CheckRestAsync(context, cancel)}";
    }

    /// <summary>Whether the source can be fenced, and is nobody else's.</summary>
    internal static async Task CheckSourceAsync(CutoverContext context, CancellationToken cancel)
    {
        var source = await context.SourceSessionAsync(cancel);
        await DirectReach.ProveAsync(context.Source, "source", cancel);
        await DirectReach.ProveAsync(context.Target, "target", cancel);
        if (await source.ScalarAsync<bool>("select pg_is_in_recovery()", cancel))
        {
            throw Closed($"The source {context.Source} is itself a standby; give the server that takes the app's writes.");
        }

        if (await MarkTable.FindOtherAsync(source, context.Facts.Id, cancel) is { } other)
        {
            throw Closed($"Another cutover ({other}) has claimed this source and was not undone: the app may be paused and the source fenced. Find its journal with Get-Cutover and go on with Resume-Cutover or Undo-Cutover. Only if that journal is lost: see to rights and settings by hand, then DROP TABLE pgmigration.mark.");
        }

        await CheckOpenAsync(context, cancel);
        if (!await MarkTable.MayCreateAsync(source, cancel))
        {
            throw Closed($"The login {context.Source.User} has no schema in {context.Source.Database} where the mark could be written, and may not make one. Somebody who may, runs: {await source.ScalarAsync<string>($"select format('CREATE SCHEMA {MarkTable.Schema} AUTHORIZATION %I', current_user)", cancel)}");
        }

        if (await FenceObstacles.FindAsync(source, cancel, context.SparedLogins) is [var obstacle, ..] obstacles)
        {
            throw Closed(obstacles.Count == 1 ? obstacle : string.Create(CultureInfo.InvariantCulture, $"{obstacles.Count} obstacles to the fence: {string.Join(" ", obstacles)}"));
        }

        foreach (string gap in await FenceObstacles.FindGapsAsync(source, cancel))
        {
            context.Observer.Warning(gap);
        }

        int objects = 0;
        context.FenceTrial = TimeSpan.MaxValue;
        for (int attempt = 1; attempt <= 2 && context.FenceTrial > WorthTelling; attempt++) // a busy moment says nothing of the next one
        {
            var clock = Stopwatch.StartNew();
            objects = await SourceFence.TryAsync(source, cancel, context.SparedLogins);
            context.FenceTrial = clock.Elapsed < context.FenceTrial ? clock.Elapsed : context.FenceTrial;
        }

        if (LongFence(context.FenceTrial, objects) is { } words)
        {
            context.Observer.Warning(words);
        }

        await WarnOfSuperusersAsync(context, source, cancel);
        context.AppLogin = await context.App.FindLoginAsync(cancel) is { } app && app != context.Source ? app : null;
    }

    /// <summary>What must hold whatever the link is: the preconditions, the app, the user's gates.</summary>
    internal static async Task<string> CheckRestAsync(CutoverContext context, CancellationToken cancel)
    {
        string seen = await Preconditions.CheckAsync(context, cancel);
        await context.App.CheckAsync(context.Source, cancel);
        await context.App.CheckTargetAsync(context.AppTarget, cancel);
        CheckUnproven(context);
        if (context.App.LongestWait is { } wait && wait < context.Options.MaxPause)
        {
            throw Closed(string.Create(CultureInfo.InvariantCulture, $"The app may be paused for {context.Options.MaxPause.TotalSeconds:0.#} s, and its pooler sends clients that have waited for {wait.TotalSeconds:0.#} s away with an error. Raise query_wait_timeout (to {Math.Ceiling(context.Options.MaxPause.TotalSeconds) + 10:0}) in PgBouncer's file and RELOAD it (what is only SET in its console ends with the next RELOAD), or give a -MaxPause below {wait.TotalSeconds:0.#}."));
        }

        context.App.SmokeTest?.Check();
        context.TellRemarks();
        Heed(await MigrationGate.TestAllAsync(context.Options.Gates, cancel));
        return string.Create(CultureInfo.InvariantCulture, $"{seen}, app ready, {context.Options.Gates.Count} gates passed");
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;

    /// <summary>Heeds the answers of the user's own gates.</summary>
    internal static void Heed(GateResult[] answers)
    {
        var closed = Array.FindAll(answers, result => !result.Passed);
        if (closed.Length > 0)
        {
            throw Closed(string.Join(" ", closed.Select(result => $"Gate '{result.Name}' said no: {result.Reason}")));
        }
    }

    /// <summary>What to report of a fence that took so long to raise and lift in the trial; null when that is not worth a word.</summary>
    internal static string? LongFence(TimeSpan tried, int objects) => tried < WorthTelling ? null : string.Create(CultureInfo.InvariantCulture,
        $"To raise the fence and to lift it again took {tried.TotalSeconds:0.0} s in the quicker of two trials, for rights on {objects:N0} objects. While the app is paused it is raised once on the source and lifted once on the target: expect a pause that is so much longer.");

    // What could not be proven is no "yes": it is the user who accepts it.
    private static void CheckUnproven(CutoverContext context)
    {
        var (accepted, open) = context.App.Unproven.ToLookup(each => context.Options.Accept.Contains(each.Name, StringComparer.OrdinalIgnoreCase)) is var all ? (all[true], all[false].ToList()) : default;
        if (open.Count > 0)
        {
            throw Closed($"{string.Join(" ", open.Select(each => $"{each.Name}: {each.Text}, or accept it knowingly: -Accept {each.Name}."))}");
        }

        foreach (var each in accepted)
        {
            context.Observer.Warning($"{each.Name} was accepted: {each.Text}.");
        }
    }

    private static async Task WarnOfSuperusersAsync(CutoverContext context, Npgsql.NpgsqlConnection source, CancellationToken cancel)
    {
        var superusers = await source.RowsAsync($"""
            select {SessionText.Describe} from pg_stat_activity a join pg_roles r on r.oid = a.usesysid
            where r.rolsuper and a.datname = current_database() and a.pid <> all (@own) and coalesce(a.backend_type, 'client backend') = 'client backend'
            """, row => Redaction.Of(row.GetString(0)), cancel, new Npgsql.NpgsqlParameter<int[]>("own", [.. context.OwnSourcePids, .. await DmsSessions.FindAsync(source, context.SparedLogins, cancel)]));
        if (superusers.Count > 0)
        {
            context.Observer.Warning(string.Create(CultureInfo.InvariantCulture,
                $"{superusers.Count} superuser session(s) are on the source, and no fence binds a superuser: {string.Join("; ", superusers.Take(5))}. If one of them is the app's, let it log in as an ordinary role first."));
        }
    }

    // What a fence would record as "before" must be the app's everyday life, not somebody's fence.
    private static async Task CheckOpenAsync(CutoverContext context, CancellationToken cancel)
    {
        await using var fresh = await context.Source.ConnectAsync(cancel);
        if (await fresh.ScalarAsync<string>("show default_transaction_read_only", cancel) == "on")
        {
            throw Closed($"A new session of {context.Source.User} on the source begins read-only: it is fenced already, or set so by somebody. See SELECT * FROM pg_db_role_setting, and Get-Cutover for an earlier cutover.");
        }
    }

    // The address is the app's way to the target: a slip of the pen here would be an app that is down, or on another database.
    private static async Task CheckAppTargetAsync(CutoverContext context, CancellationToken cancel)
    {
        try
        {
            await using var session = await context.AppTarget.ConnectAsync(cancel);
            string cluster = await session.ScalarAsync<string>("select system_identifier::text from pg_control_system()", cancel);
            if (cluster != context.Facts.SystemIdentifier.ToString(CultureInfo.InvariantCulture) || !await session.ScalarAsync<bool>("select pg_is_in_recovery()", cancel))
            {
                throw Closed($"The app would be pointed at {context.AppTarget}, which is not the target {context.Target}: its system identifier is {cluster}. Give the target's own address with -AppTarget.");
            }

            await TargetSettings.CheckAsAppAsync(context, session, cancel);
        }
        catch (MigrationException error) when (error.ErrorId != "CutoverGateClosed")
        {
            throw new MigrationException("CutoverGateClosed", error.Kind, $"The app's login cannot reach the target where the app would be pointed, {context.AppTarget}: {error.Message} Mend that (pg_hba.conf, -AllowFrom of Start-WalRestore), or give the right address with -AppTarget.", error);
        }
    }

    private static async Task<string> CheckTargetAsync(CutoverContext context, CancellationToken cancel)
    {
        const string ClusterSql = "select system_identifier::text from pg_control_system()";
        var source = await context.SourceSessionAsync(cancel);
        var target = await context.TargetSessionAsync(cancel);
        string mine = await source.ScalarAsync<string>(ClusterSql, cancel);
        string theirs = await target.ScalarAsync<string>(ClusterSql, cancel);
        if (mine != theirs)
        {
            throw Closed($"Source and target are not the same cluster: system identifier {mine} against {theirs}. Is {context.Source} the server whose archive was restored?");
        }

        if (!await target.ScalarAsync<bool>("select pg_is_in_recovery()", cancel))
        {
            throw Closed($"The target {context.Target} is not a standby any more: it was promoted. It needs a new restore.");
        }

        if (!await target.ScalarAsync<bool>("select rolsuper from pg_roles where rolname = current_user", cancel))
        {
            throw Closed($"The login {context.Target.User} on the target is not a superuser, so it could neither promote it nor lift the fence that comes with the WAL.");
        }

        await TargetSettings.CheckAsync(context, cancel);

        context.Learn(context.Facts with
        {
            SystemIdentifier = ulong.Parse(mine, CultureInfo.InvariantCulture),
            SegmentSize = await source.ScalarAsync<int>("select setting::int from pg_settings where name = 'wal_segment_size'", cancel),
        });
        return $"one cluster ({mine})";
    }

    private static MigrationException Closed(string reason) => Preconditions.Closed(reason);
}
