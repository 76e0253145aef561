using Npgsql;

namespace PgMigration.Tests;

/// <summary>A source that restarts, moves or forgets in the middle is asked everything again; a machine that sleeps wakes into a safe end.</summary>
public sealed class SourceChangedTests : IAsyncLifetime
{
    private CutoverBed _bed = null!;

    public async Task InitializeAsync() => _bed = await CutoverBed.CreateAsync();

    public async Task DisposeAsync() => await _bed.DisposeAsync();

    [Theory]
    [InlineData(nameof(MarkSource))]
    [InlineData(nameof(DrainLink))]
    public async Task A_source_that_restarts_behind_the_fence_is_fenced_and_marked_anew(string step)
    {
        string path = _bed.NewJournal;
        var nonces = new List<string?>();
        using (var journal = CutoverJournal.Create(path))
        {
            await using var context = _bed.Context(journal);
            bool restarted = false;
            var plan = WrappedStep.Plan(step, before: async _ =>
            {
                if (!restarted)
                {
                    restarted = true;
                    nonces.Add(context.Facts.Nonce);
                    await _bed.Host.Local.StopAsync("immediate");
                    await _bed.Host.Local.StartAsync();
                }
            });

            var report = await new CutoverRunner(plan, context).RunAsync();

            Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
            Assert.NotEqual(nonces[0], context.Facts.Nonce);
        }

        var entries = CutoverRecord.Read(path).Entries;
        Assert.Contains(entries, entry => entry.Event == CutoverEvent.Repeated && entry.Step == step);
        Assert.Equal(2, entries.Count(entry => entry.Event == CutoverEvent.Done && entry.Step == nameof(FenceSource)));
        await _bed.WriteAsAppAsync();
    }

    [Fact]
    public async Task A_source_that_fails_over_to_another_address_is_gone_on_with_there_and_nothing_is_lost()
    {
        await _bed.WriteAsAppAsync();
        string path = _bed.NewJournal;
        using (var journal = CutoverJournal.Create(path))
        {
            await using var context = _bed.Context(journal, new CutoverOptions { MaxPause = TimeSpan.FromSeconds(20), Until = nameof(MarkSource), LeaveAppPaused = true });
            Assert.Equal(CutoverOutcome.Unfinished, (await new CutoverRunner(CutoverPlan.ForWal(), context).RunAsync()).Outcome);
        }

        var promoted = await _bed.FailOverSourceAsync();
        var report = await (_bed.Cutover() with { Source = promoted }).ResumeAsync(path);

        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        Assert.Equal(2u, CutoverRecord.Read(path).Entries.Last(entry => entry.Facts is not null).Facts!.MarkTimeline); // fenced and marked anew, where the app's commits are now
        await _bed.WriteAsAppAsync();
        await using var target = await _bed.Link.Target.ConnectAsync();
        Assert.Equal(2, await target.ScalarAsync<long>("select count(*) from items where who = 'after'", CancellationToken.None));
        await using var old = await promoted.ConnectAsync("-c default_transaction_read_only=off");
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, (await Assert.ThrowsAsync<PostgresException>(() => old.ExecuteAsync("insert into items (who) values ('late')", CancellationToken.None))).SqlState);
    }

    [Fact]
    public async Task A_reader_on_the_target_does_not_hold_up_what_it_must_replay()
    {
        await using (var app = await _bed.Host.App.ConnectAsync())
        {
            await app.ExecuteAsync("insert into items (who) select 'old' from generate_series(1, 1000)", CancellationToken.None);
            await app.ExecuteAsync("select pg_logical_emit_message(true, 'fill', repeat(' ', 16777216))", CancellationToken.None);
        }

        await using var reader = await _bed.Link.Target.ConnectAsync();
        await ArchivingServer.UntilAsync("the target has the rows", async () => await reader.ScalarAsync<bool>("select exists (select from items where who = 'old')", CancellationToken.None));
        await reader.ExecuteAsync("begin isolation level repeatable read; select count(*) from items", CancellationToken.None);
        await using (var app = await _bed.Host.App.ConnectAsync())
        {
            await app.ExecuteAsync("delete from items where who = 'old'", CancellationToken.None);
            await app.ExecuteAsync("vacuum items", CancellationToken.None); // what the reader still sees is removed, for which it may hold replay for 30 s
        }

        var report = await _bed.Cutover().RunAsync(_bed.NewJournal); // it may pause for 20 s

        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => reader.ExecuteAsync("select count(*) from items", CancellationToken.None));
    }

    [Fact]
    public async Task The_fence_outlives_a_crash_of_a_source_that_commits_asynchronously()
    {
        await using (var owner = await _bed.Host.App.ConnectAsync())
        {
            await owner.ExecuteAsync("alter database app set synchronous_commit = off", CancellationToken.None);
        }

        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal);
        await new FenceSource().DoAsync(context, CancellationToken.None);

        await _bed.Host.Local.StopAsync("immediate");
        await _bed.Host.Local.StartAsync();

        await using var writer = await _bed.Host.App.ConnectAsync("-c default_transaction_read_only=off");
        var refused = await Assert.ThrowsAsync<PostgresException>(() => writer.ExecuteAsync("insert into items (who) values ('after the crash')", CancellationToken.None));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
    }

    [Fact]
    public async Task A_machine_that_slept_while_the_app_was_paused_undoes_the_cutover_when_it_wakes()
    {
        var clock = new ChangedClock();
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal, new CutoverOptions { Clock = clock, MaxPause = TimeSpan.FromSeconds(100) });
        var plan = WrappedStep.Plan(nameof(DrainLink), after: async _ =>
        {
            // what a night in a closed laptop leaves: another hour on the wall, and connections that nobody serves
            clock.Ahead = TimeSpan.FromHours(8);
            await using var host = await _bed.Host.Superuser.ConnectAsync();
            await host.ExecuteAsync("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app' and application_name = 'PgMigration'", CancellationToken.None);
        });

        var error = await Assert.ThrowsAsync<MigrationException>(() => new CutoverRunner(plan, context).RunAsync());

        Assert.Equal("CutoverUndone", error.ErrorId);
        Assert.Contains("not done within 100 s", error.Message, StringComparison.Ordinal);
        await _bed.WriteAsAppAsync();
        await using var target = await _bed.Link.Target.ConnectAsync();
        Assert.True(await target.ScalarAsync<bool>("select pg_is_in_recovery()", CancellationToken.None));
    }

    [Fact]
    public async Task A_cutover_whose_source_has_moved_is_resumed_with_its_new_address()
    {
        string journal = _bed.NewJournal;
        var stopped = _bed.Cutover();
        await (stopped with { Options = stopped.Options with { Until = nameof(FenceSource), LeaveAppPaused = true } }).RunAsync(journal);
        var moved = await _bed.MoveSourceAsync();

        var report = await (_bed.Cutover() with { Source = moved }).ResumeAsync(journal);

        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        Assert.Contains($":{moved.Port}/", CutoverRecord.Read(journal).Source + CutoverRecord.Read(journal).Entries[^1].Facts?.Source + report.Source, StringComparison.Ordinal);
        await _bed.WriteAsAppAsync();
    }

    [Fact]
    public async Task Another_cluster_at_the_sources_address_is_refused()
    {
        string journal = _bed.NewJournal;
        var stopped = _bed.Cutover();
        await (stopped with { Options = stopped.Options with { Until = nameof(FillSegment) } }).RunAsync(journal);
        await using var other = await TestPostgres.StartAsync([]);
        await TestPostgres.ExecuteAsync(other.Server, "create database app");

        var error = await Assert.ThrowsAsync<MigrationException>(() => (_bed.Cutover() with { Source = other.Server.WithDatabase("app") }).UndoAsync(journal));

        Assert.Contains("system identifier", error.Message, StringComparison.Ordinal);
        Assert.Equal(CutoverOutcome.BackOnSource, (await _bed.Cutover().UndoAsync(journal)).Outcome);
    }

    [Fact]
    public async Task The_target_given_as_the_source_is_refused()
    {
        string journal = _bed.NewJournal;
        var stopped = _bed.Cutover();
        await (stopped with { Options = stopped.Options with { Until = nameof(FillSegment) } }).RunAsync(journal);

        var error = await Assert.ThrowsAsync<MigrationException>(() => (_bed.Cutover() with { Source = _bed.Link.Target }).UndoAsync(journal));

        Assert.Equal("SourceIsTarget", error.ErrorId);
    }

    private sealed class ChangedClock : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }
}
