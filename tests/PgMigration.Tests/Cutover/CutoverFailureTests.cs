namespace PgMigration.Tests;

/// <summary>Whatever fails, and wherever, before the target opens: the app runs on the source as before.</summary>
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
        Assert.Equal(8, names.Count);
        foreach (string name in names)
        {
            foreach (bool afterDoing in (bool[])[false, true])
            {
                var error = await Assert.ThrowsAsync<MigrationException>(() => RunAsync(name, afterDoing));

                Assert.Equal("CutoverUndone", error.ErrorId);
                Assert.Contains(name, error.Message, StringComparison.Ordinal);
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

    private async Task RunAsync(string failing, bool afterDoing, Action? instead = null, string? journalPath = null, CancellationToken cancel = default)
    {
        using var journal = CutoverJournal.Create(journalPath ?? _bed.NewJournal);
        await using var context = _bed.Context(journal);
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

    private async Task WriteAsAppAsync()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await using var session = await _bed.Pooler.App.ConnectAsync(deadline.Token);
        await session.ExecuteAsync("insert into items (who) values ('after')", deadline.Token);
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
