namespace PgMigration.Tests;

/// <summary>Whatever fails, and wherever, before the target opens: the app runs on the source as before.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class CutoverFailureTests : IAsyncLifetime
{
    private const string RightsSql = """
        select string_agg(x, E'\n' order by x) from (
            select format('%s %s %s %s %s', c.oid::regclass, a.grantor, a.grantee, a.privilege_type, a.is_grantable) as x
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            cross join lateral aclexplode(coalesce(c.relacl, acldefault(case when c.relkind = 'S' then 's'::"char" else 'r'::"char" end, c.relowner))) a
            where c.relkind in ('r', 'v', 'S') and n.nspname = 'public'
            union all select format('%s %s %s', t.attrelid::regclass, t.attname, t.attacl) from pg_attribute t where t.attacl is not null and t.attrelid > 16383
            union all select format('%s %s %s %s', n.nspname, a.grantor, a.grantee, a.privilege_type) from pg_namespace n cross join lateral aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
            union all select format('%s %s %s %s', d.datname, a.grantor, a.grantee, a.privilege_type) from pg_database d cross join lateral aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
            union all select format('%s %s %s', setdatabase, setrole, setconfig) from pg_db_role_setting) all_rights
        """;

    private CutoverBed _bed = null!;

    public async Task InitializeAsync()
    {
        _bed = await CutoverBed.CreateAsync(""""
            create table "Odd ""Name""" (id int generated always as identity, note text);
            create view item_names as select who from items;
            create table with_column_grant (a int, b int)
            """");
        await using var host = await _bed.Host.Superuser.ConnectAsync();
        await host.ExecuteAsync("""
            create role reporter login; create role clerk login;
            grant insert on items to clerk with grant option; grant usage on sequence items_id_seq to clerk;
            grant update (b) on with_column_grant to reporter; grant select on items to public;
            set role clerk; grant insert on items to reporter; reset role; grant clerk to app;
            alter role app set default_transaction_read_only = off; alter database app set default_transaction_read_only = off
            """, CancellationToken.None);
    }

    public async Task DisposeAsync() => await _bed.DisposeAsync();

    [Fact]
    public async Task A_failure_in_any_step_before_the_promotion_leaves_app_and_source_as_they_were()
    {
        string before = await RightsAsync();
        var names = CutoverPlan.ForWal().Steps.TakeWhile(step => step.Mark != CutoverMark.Promotion).Select(step => step.Name).ToList();
        Assert.Equal(9, names.Count);
        foreach (string name in names)
        {
            foreach (bool afterDoing in (bool[])[false, true])
            {
                var error = await Assert.ThrowsAsync<MigrationException>(() => RunAsync(name, afterDoing));

                Assert.Equal(name == nameof(CheckGates) ? "CutoverNotBegun" : "CutoverUndone", error.ErrorId);
                Assert.Contains(name == nameof(CheckGates) ? "Nothing was changed" : name, error.Message, StringComparison.Ordinal);
                Assert.Equal(before, await RightsAsync());
                await WriteAsAppAsync();
                Assert.True(await OnTargetAsync("select pg_is_in_recovery()"));
            }
        }
    }

    [Fact]
    public async Task A_failure_after_the_promotion_stops_the_target_before_the_source_takes_writes_again()
    {
        string before = await RightsAsync();

        var error = await Assert.ThrowsAsync<MigrationException>(() => RunAsync(nameof(ProveTarget), afterDoing: true));

        Assert.Equal("CutoverUndone", error.ErrorId);
        Assert.Contains("new restore", error.Message, StringComparison.Ordinal);
        Assert.False(_bed.TargetRuns);
        Assert.Equal(before, await RightsAsync());
        await WriteAsAppAsync();
    }

    [Fact]
    public async Task A_cancelled_cutover_is_undone_and_says_so()
    {
        using var cancel = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(nameof(MarkSource), afterDoing: true, instead: cancel.Cancel, cancel: cancel.Token));

        await WriteAsAppAsync();
    }

    [Fact]
    public async Task A_failure_after_the_point_of_no_return_is_finished_by_a_resume_in_another_session()
    {
        string journal = _bed.NewJournal;
        var error = await Assert.ThrowsAsync<MigrationException>(() => RunAsync(nameof(OpenTarget), afterDoing: true, journalPath: journal));
        Assert.Equal("CutoverIncomplete", error.ErrorId);
        Assert.Contains("Resume-Cutover", error.Message, StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<MigrationException>(() => _bed.Cutover().UndoAsync(journal));
        Assert.Equal("CutoverNotUndoable", refused.ErrorId);

        var report = await _bed.Cutover().ResumeAsync(journal);

        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        await WriteAsAppAsync();
        Assert.True(await OnTargetAsync("select exists (select from items where who = 'after')"));
    }

    [Fact]
    public async Task A_session_that_dies_within_a_step_is_undone_from_its_journal_by_another()
    {
        string before = await RightsAsync();
        foreach (string step in (string[])[nameof(PauseApp), nameof(FenceSource), nameof(DrainLink), nameof(PromoteTarget)])
        {
            string journal = _bed.NewJournal;
            await DieAfterAsync(step, journal);

            var report = await _bed.Cutover().UndoAsync(journal);

            Assert.Equal(CutoverOutcome.BackOnSource, report.Outcome);
            Assert.Equal(before, await RightsAsync());
            await WriteAsAppAsync();
            Assert.Equal(step != nameof(PromoteTarget), _bed.TargetRuns);
        }
    }

    [Theory]
    [InlineData(nameof(PauseApp))]
    [InlineData(nameof(MarkSource))]
    [InlineData(nameof(PromoteTarget))]
    [InlineData(nameof(RepointApp))]
    public async Task A_session_that_dies_within_a_step_is_resumed_from_its_journal_by_another(string step)
    {
        string journal = _bed.NewJournal;
        await DieAfterAsync(step, journal);

        var report = await _bed.Cutover().ResumeAsync(journal);

        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        await WriteAsAppAsync();
        Assert.True(await OnTargetAsync("select exists (select from items where who = 'after')"));
    }

    [Fact]
    public async Task A_cancellation_behind_the_point_of_no_return_does_not_keep_the_app_paused()
    {
        using var cancel = new CancellationTokenSource();
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal);
        var plan = PlanWith(step => new WatchedStep(step, cancel.Cancel), nameof(RepointApp));

        var report = await new CutoverRunner(plan, context).RunAsync(cancel.Token);

        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        await WriteAsAppAsync();
    }

    [Fact]
    public async Task A_source_that_a_dead_cutover_has_claimed_is_refused_to_a_new_one()
    {
        string journal = _bed.NewJournal;
        await DieAfterAsync(nameof(FenceSource), journal);

        var error = await Assert.ThrowsAsync<MigrationException>(() => _bed.Cutover().RunAsync(_bed.NewJournal));

        Assert.Equal("CutoverNotBegun", error.ErrorId);
        Assert.Contains("Undo-Cutover", error.Message, StringComparison.Ordinal);
        await _bed.Cutover().UndoAsync(journal);
        await WriteAsAppAsync();
    }

    [Fact]
    public async Task A_journal_that_slept_while_the_target_was_promoted_is_not_obeyed()
    {
        string journal = _bed.NewJournal;
        await DieAfterAsync(nameof(FenceSource), journal);
        await using (var target = await _bed.Link.Target.ConnectAsync())
        {
            await target.ExecuteAsync("select pg_promote()", CancellationToken.None);
        }

        Assert.Equal("JournalStale", (await Assert.ThrowsAsync<MigrationException>(() => _bed.Cutover().UndoAsync(journal))).ErrorId);
        Assert.Equal("JournalStale", (await Assert.ThrowsAsync<MigrationException>(() => _bed.Cutover().ResumeAsync(journal))).ErrorId);
    }

    [Fact]
    public async Task A_journal_whose_source_another_cutover_has_claimed_since_is_not_obeyed()
    {
        string journal = _bed.NewJournal;
        await DieAfterAsync(nameof(FenceSource), journal);
        await using (var source = await _bed.Host.App.ConnectAsync("-c default_transaction_read_only=off"))
        {
            await MarkTable.ClaimAsync(source, "another", CancellationToken.None);
        }

        Assert.Equal("JournalStale", (await Assert.ThrowsAsync<MigrationException>(() => _bed.Cutover().UndoAsync(journal))).ErrorId);
        Assert.Equal("JournalStale", (await Assert.ThrowsAsync<MigrationException>(() => _bed.Cutover().ResumeAsync(journal))).ErrorId);
    }

    [Theory]
    [InlineData(nameof(FenceSource), "CutoverUndone")]
    [InlineData(nameof(ProveTarget), "CutoverUndone")]
    [InlineData(nameof(OpenTarget), null)]
    public async Task A_journal_that_cannot_be_written_any_more_does_not_keep_the_app_waiting(string step, string? errorId)
    {
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal);
        var running = new CutoverRunner(PlanWith(inner => new WatchedStep(inner, journal.Dispose), step), context).RunAsync();

        if (errorId is null)
        {
            Assert.Equal(CutoverOutcome.CutOver, (await running).Outcome);
        }
        else
        {
            Assert.Equal(errorId, (await Assert.ThrowsAsync<MigrationException>(() => running)).ErrorId);
        }

        await WriteAsAppAsync();
    }

    [Fact]
    public async Task An_app_that_would_be_pointed_elsewhere_is_found_before_it_is_paused()
    {
        var wrongPort = _bed.Cutover() with { Options = new CutoverOptions { AppTarget = _bed.Host.App.WithHost("127.0.0.1", 1) } };
        Assert.Contains("127.0.0.1", (await Assert.ThrowsAsync<MigrationException>(() => wrongPort.RunAsync(_bed.NewJournal))).Message, StringComparison.Ordinal);

        var itself = _bed.Cutover() with { Options = new CutoverOptions { AppTarget = _bed.Host.App } };
        Assert.Equal("CutoverNotBegun", (await Assert.ThrowsAsync<MigrationException>(() => itself.RunAsync(_bed.NewJournal))).ErrorId);

        string ini = await File.ReadAllTextAsync(_bed.Pooler.ConfigurationFile);
        await File.WriteAllTextAsync(_bed.Pooler.ConfigurationFile, ini.Replace("[pgbouncer]", $"other = host=127.0.0.1 port={_bed.Host.App.Port} dbname=postgres\n[pgbouncer]", StringComparison.Ordinal));
        await using (var console = await PgBouncerConsole.ConnectAsync(_bed.Pooler.Admin, CancellationToken.None))
        {
            await console.AskAsync("RELOAD", CancellationToken.None);
        }

        var other = _bed.Cutover() with { App = new PgBouncerApp(_bed.Pooler.Admin, "other", _bed.Pooler.ConfigurationFile) };
        Assert.Contains("leads to the database 'postgres'", (await Assert.ThrowsAsync<MigrationException>(() => other.RunAsync(_bed.NewJournal))).Message, StringComparison.Ordinal);
        await WriteAsAppAsync();
    }

    [Fact]
    public async Task A_user_who_may_only_look_at_the_pooler_is_found_before_the_app_is_paused()
    {
        string ini = await File.ReadAllTextAsync(_bed.Pooler.ConfigurationFile);
        await File.WriteAllTextAsync(_bed.Pooler.ConfigurationFile, ini.Replace("admin_users", "stats_users = app\nadmin_users", StringComparison.Ordinal));
        await using (var console = await PgBouncerConsole.ConnectAsync(_bed.Pooler.Admin, CancellationToken.None))
        {
            await console.AskAsync("RELOAD", CancellationToken.None);
        }

        var looker = new PgBouncerApp(_bed.Pooler.App.WithDatabase("pgbouncer"), _bed.App.Database, _bed.Pooler.ConfigurationFile);

        Assert.Equal("PgBouncerNotAdmin", (await Assert.ThrowsAsync<MigrationException>(() => looker.CheckAsync(_bed.Host.App))).ErrorId);
    }

    [Theory]
    [InlineData("max_standby_archive_delay")]
    [InlineData("max_standby_streaming_delay")]
    public async Task What_was_set_on_the_target_is_set_again_and_no_secret_is_journalled(string setting)
    {
        await using (var target = await _bed.Link.Target.ConnectAsync())
        {
            await target.ExecuteAsync($"alter system set {setting} = '5min'", CancellationToken.None);
        }

        string path = _bed.NewJournal;
        using (var journal = CutoverJournal.Create(path))
        {
            await using var context = _bed.Context(journal);
            bool none = false;
            var plan = PlanWith(step => new WatchedStep(step, () =>
            {
                none = OnTargetAsync($"select setting::float < 1 from pg_file_settings where name = '{setting}' order by seqno desc limit 1").GetAwaiter().GetResult();
                throw new IOException("it said postgres://u:S3cretPw@h/d");
            }), nameof(MarkSource));
            await Assert.ThrowsAsync<MigrationException>(() => new CutoverRunner(plan, context).RunAsync());
            Assert.True(none);
        }

        Assert.True(await OnTargetAsync($"select exists (select from pg_file_settings where name = '{setting}' and setting = '5min')"));
        string said = await File.ReadAllTextAsync(path);
        Assert.Contains("it said postgres://u:***@h/d", said, StringComparison.Ordinal);
        Assert.DoesNotContain("S3cretPw", said, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Fact]
    public async Task A_step_that_was_tried_in_vain_behind_the_point_of_no_return_says_what_stood_in_its_way()
    {
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal, new CutoverOptions { AheadTimeout = TimeSpan.FromSeconds(1) });
        var refused = new MigrationException("PgBouncerUnreachable", MigrationErrorKind.Connection, "PgBouncer's admin console cannot be reached.");

        var error = await Assert.ThrowsAsync<MigrationException>(() => new CutoverRunner(PlanWith(step => new WatchedStep(step, () => throw refused), nameof(RepointApp)), context).RunAsync());

        Assert.Equal("CutoverIncomplete", error.ErrorId);
        Assert.Contains("not done within 1 s; the last try ended so: PgBouncer's admin console cannot be reached.", error.Message, StringComparison.Ordinal);
        Assert.Contains("console cannot be reached", journal.Entries.Last(entry => entry.Event == CutoverEvent.Failed).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_undo_waits_for_a_connection_when_all_are_taken()
    {
        string journal = _bed.NewJournal;
        await DieAfterAsync(nameof(FenceSource), journal);
        await using (var host = await _bed.Host.Superuser.ConnectAsync("-c default_transaction_read_only=off"))
        {
            await host.ExecuteAsync("alter role app connection limit 0", CancellationToken.None);
            var undo = _bed.Cutover().UndoAsync(journal);
            await Task.WhenAny(undo, Task.Delay(TimeSpan.FromSeconds(1)));
            Assert.False(undo.IsCompleted);

            await host.ExecuteAsync("alter role app connection limit -1", CancellationToken.None);

            Assert.Equal(CutoverOutcome.BackOnSource, (await undo).Outcome);
        }

        await WriteAsAppAsync();
    }

    [Fact]
    public async Task What_was_set_on_a_target_that_an_undo_could_not_reach_is_set_again_by_the_next_cutover()
    {
        foreach (string set in (string[])["set max_standby_archive_delay = '5min'", "reset max_standby_archive_delay"])
        {
            await OnTargetDoAsync($"alter system {set}");
            string journal = _bed.NewJournal;
            await DieAfterAsync(nameof(FenceSource), journal);
            var unreachable = new CutoverBed.CopyLink { Source = _bed.Link.Source, Target = _bed.Link.Target.WithHost("127.0.0.1", 1) };
            await (_bed.Cutover() with { Link = unreachable }).UndoAsync(journal);
            Assert.True(await OnTargetAsync("select setting::float < 1 and setting::float > 0 from pg_file_settings where name = 'max_standby_archive_delay'"));

            await Assert.ThrowsAsync<MigrationException>(() => RunAsync(nameof(FillSegment), afterDoing: true));

            Assert.Equal(set.StartsWith("set", StringComparison.Ordinal), await OnTargetAsync("select exists (select from pg_file_settings where name = 'max_standby_archive_delay' and setting = '300000ms')"));
            Assert.Equal(set.StartsWith("reset", StringComparison.Ordinal), await OnTargetAsync("select not exists (select from pg_file_settings where name = 'max_standby_archive_delay')"));
        }
    }

    private async Task RunAsync(string failing, bool afterDoing, Action? instead = null, string? journalPath = null, CancellationToken cancel = default)
    {
        using var journal = CutoverJournal.Create(journalPath ?? _bed.NewJournal);
        await using var context = _bed.Context(journal, new CutoverOptions { AheadTimeout = TimeSpan.FromSeconds(5) });
        await new CutoverRunner(PlanWith(step => new FailingStep(step, afterDoing, instead), failing), context).RunAsync(cancel);
    }

    // A death leaves the journal as it is and nobody to undo: so the step never comes back, and journal and sessions are let go.
    private async Task DieAfterAsync(string step, string journalPath)
    {
        var reached = new TaskCompletionSource();
        var journal = CutoverJournal.Create(journalPath);
        var context = _bed.Context(journal);
        var running = new CutoverRunner(PlanWith(inner => new EndlessStep(inner, reached), step), context).RunAsync();
        await Task.WhenAny(reached.Task, running);
        Assert.False(running.IsCompleted);
        journal.Dispose();
        await context.DisposeAsync();
    }

    private static CutoverPlan PlanWith(Func<ICutoverStep, ICutoverStep> wrap, string name) =>
        new([.. CutoverPlan.ForWal().Steps.Select(step => step.Name == name ? wrap(step) : step)]);

    private async Task<string> RightsAsync()
    {
        await using var session = await _bed.Host.Superuser.ConnectAsync();
        return await session.ScalarAsync<string>(RightsSql, CancellationToken.None);
    }

    private Task WriteAsAppAsync() => _bed.WriteAsAppAsync();

    private async Task OnTargetDoAsync(string sql)
    {
        await using var session = await _bed.Link.Target.ConnectAsync();
        await session.ExecuteAsync(sql, CancellationToken.None);
    }

    private async Task<bool> OnTargetAsync(string question)
    {
        await using var session = await _bed.Link.Target.ConnectAsync();
        return await session.ScalarAsync<bool>(question, CancellationToken.None);
    }

    private sealed class FailingStep(ICutoverStep inner, bool afterDoing, Action? instead) : ICutoverStep
    {
        public string Name => inner.Name;

        public string Effect => inner.Effect;

        public string UndoEffect => inner.UndoEffect;

        public CutoverMark Mark => inner.Mark;

        public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
        {
            if (afterDoing)
            {
                await inner.DoAsync(context, cancel);
            }

            instead?.Invoke();
            cancel.ThrowIfCancellationRequested();
            throw new IOException("made to fail");
        }

        public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => inner.IsDoneAsync(context, cancel);

        public Task UndoAsync(CutoverContext context, CancellationToken cancel) => inner.UndoAsync(context, cancel);
    }

    private sealed class WatchedStep(ICutoverStep inner, Action seen) : ICutoverStep
    {
        public string Name => inner.Name;

        public string Effect => inner.Effect;

        public string UndoEffect => inner.UndoEffect;

        public CutoverMark Mark => inner.Mark;

        public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
        {
            seen();
            return await inner.DoAsync(context, cancel);
        }

        public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => inner.IsDoneAsync(context, cancel);

        public Task UndoAsync(CutoverContext context, CancellationToken cancel) => inner.UndoAsync(context, cancel);
    }

    private sealed class EndlessStep(ICutoverStep inner, TaskCompletionSource reached) : ICutoverStep
    {
        public string Name => inner.Name;

        public string Effect => inner.Effect;

        public string UndoEffect => inner.UndoEffect;

        public CutoverMark Mark => inner.Mark;

        public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
        {
            await inner.DoAsync(context, cancel);
            reached.SetResult();
            return await new TaskCompletionSource<string>().Task;
        }

        public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => inner.IsDoneAsync(context, cancel);

        public Task UndoAsync(CutoverContext context, CancellationToken cancel) => inner.UndoAsync(context, cancel);
    }
}
