using System.Collections.Concurrent;
using Npgsql;
using Xunit.Abstractions;

namespace PgMigration.Tests;

/// <summary>After a cutover the old server follows the new one, and going back loses nothing.</summary>
public sealed class WayBackTests(ITestOutputHelper output) : IAsyncLifetime
{
    private CutoverBed _bed = null!;

    public async Task InitializeAsync() => _bed = await CutoverBed.CreateAsync("create table events (at timestamptz, what text); create table notes (note json); create table parts (id int, what text) partition by range (id); create table parts_1 partition of parts for values from (0) to (1000)");

    public async Task DisposeAsync() => await _bed.DisposeAsync();

    [Fact]
    public async Task An_undo_after_the_cutover_brings_every_acknowledged_commit_back_to_the_old_server()
    {
        string journal = _bed.NewJournal;
        using var stop = new CancellationTokenSource();
        var acknowledged = new ConcurrentBag<long>();
        var writers = Enumerable.Range(0, 4).Select(_ => WriteAsync(acknowledged, stop.Token)).ToList();
        await UntilAsync(() => acknowledged.Count > 50);

        var there = await Cutover().RunAsync(journal);
        Show(there);
        int atCutover = acknowledged.Count;
        await using (var app = await _bed.Pooler.App.ConnectAsync())
        {
            await app.ExecuteAsync("insert into events values (now(), 'on the new server'); update events set what = 'changed there'; insert into parts values (1, 'x'), (2, 'y'); delete from parts where id = 2", CancellationToken.None);
        }

        await UntilAsync(() => acknowledged.Count > atCutover + 100);
        var back = await Cutover().UndoAsync(journal);
        Show(back);
        int atReturn = acknowledged.Count;
        await UntilAsync(() => acknowledged.Count > atReturn + 50);
        await stop.CancelAsync();
        await Task.WhenAll(writers); // a writer that saw an error throws it here

        Assert.Equal((CutoverOutcome.CutOver, CutoverOutcome.BackOnSource), (there.Outcome, back.Outcome));
        Assert.Equal(CutoverOutcome.BackOnSource, CutoverRecord.Read(journal).Outcome);
        await using var old = await _bed.Host.Superuser.ConnectAsync();
        var ids = (await old.RowsAsync("select id from items", row => row.GetInt64(0), CancellationToken.None)).ToHashSet();
        Assert.Empty(acknowledged.Except(ids));
        Assert.Equal(acknowledged.Count, acknowledged.Distinct().Count());
        Assert.Equal("changed there 1", await old.ScalarAsync<string>("select max(what) || ' ' || (select count(*) from parts) from events", CancellationToken.None));
        await using var left = await _bed.Link.Target.ConnectAsync("-c default_transaction_read_only=off");
        await left.ExecuteAsync("set session authorization app", CancellationToken.None);
        await Assert.ThrowsAsync<PostgresException>(() => left.ExecuteAsync("insert into items (who) values ('late')", CancellationToken.None));
        foreach (var server in (PgServer[])[_bed.Host.Superuser, _bed.Link.Target])
        {
            await using var session = await server.ConnectAsync();
            Assert.Equal(0, await session.ScalarAsync<long>("select (select count(*) from pg_subscription) + (select count(*) from pg_publication) + (select count(*) from pg_replication_slots) + (select count(*) from pg_roles where rolname like 'pgmigration%')", CancellationToken.None));
        }

        Assert.Equal("d", await old.ScalarAsync<string>("select relreplident::text from pg_class where relname = 'events'", CancellationToken.None));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_way_back_that_is_ended_leaves_nothing_behind_also_when_the_old_server_is_gone(bool oldServerIsThere)
    {
        string journal = _bed.NewJournal;
        await Cutover().RunAsync(journal);
        if (!oldServerIsThere)
        {
            await _bed.Host.StopAsync();
        }

        var observer = new RecordedObserver();
        await Cutover(observer: observer).EndWayBackAsync(journal);

        const string Left = "select (select count(*) from pg_subscription) + (select count(*) from pg_publication) + (select count(*) from pg_replication_slots) + (select count(*) from pg_roles where rolname like 'pgmigration%')";
        await using var target = await _bed.Link.Target.ConnectAsync();
        Assert.Equal(0, await target.ScalarAsync<long>(Left, CancellationToken.None));
        Assert.Equal("d", await target.ScalarAsync<string>("select relreplident::text from pg_class where relname = 'events'", CancellationToken.None));
        if (oldServerIsThere)
        {
            await using var old = await _bed.Host.Superuser.ConnectAsync();
            Assert.Equal(0, await old.ScalarAsync<long>(Left, CancellationToken.None));
            Assert.Equal("on", await old.ScalarAsync<string>("show default_transaction_read_only", CancellationToken.None));
        }
        else
        {
            Assert.Contains(observer.Warnings, warning => warning.Contains("DROP SUBSCRIPTION", StringComparison.Ordinal));
        }

        Assert.Equal(CutoverOutcome.CutOver, CutoverRecord.Read(journal).Outcome);
        Assert.Equal("NoWayBack", (await Assert.ThrowsAsync<MigrationException>(() => Cutover().EndWayBackAsync(journal))).ErrorId);
        await _bed.WriteAsAppAsync();
    }

    [Fact]
    public async Task A_way_back_that_fails_on_the_way_leaves_the_app_on_the_new_server_and_is_tried_again()
    {
        string path = _bed.NewJournal;
        await Cutover().RunAsync(path);
        using (var journal = CutoverJournal.Open(path))
        {
            await using var context = Context(journal);
            var plan = CutoverPlan.ForReturn();
            var broken = plan with { Steps = [.. plan.Steps.Select(step => step.Name == nameof(DrainBack) ? new WrappedStep(step, before: _ => throw new IOException("made to fail")) : step)] };
            var error = await Assert.ThrowsAsync<MigrationException>(() => new CutoverRunner(broken, context).RunAsync());
            Assert.Equal("CutoverUndone", error.ErrorId);
        }

        Assert.Equal(CutoverOutcome.CutOver, CutoverRecord.Read(path).Outcome);
        await _bed.WriteAsAppAsync();
        await using (var target = await _bed.Link.Target.ConnectAsync())
        {
            Assert.Equal(1, await target.ScalarAsync<long>("select count(*) from items", CancellationToken.None));
        }

        Assert.Equal(CutoverOutcome.BackOnSource, (await Cutover().UndoAsync(path)).Outcome);
        await _bed.WriteAsAppAsync();
        await using var old = await _bed.Host.Superuser.ConnectAsync();
        Assert.Equal(2, await old.ScalarAsync<long>("select count(*) from items", CancellationToken.None));
    }

    [Fact]
    public async Task What_was_written_to_a_table_that_cannot_be_followed_keeps_the_way_back_closed()
    {
        string journal = _bed.NewJournal;
        var observer = new RecordedObserver();
        await Cutover(observer: observer).RunAsync(journal);
        Assert.Contains(observer.Warnings, warning => warning.Contains("leaves out tables", StringComparison.Ordinal) && warning.Contains("public.notes", StringComparison.Ordinal));
        await using (var app = await _bed.Pooler.App.ConnectAsync())
        {
            await app.ExecuteAsync("insert into notes values ('{}')", CancellationToken.None);
        }

        await using var target = await _bed.Link.Target.ConnectAsync();
        await ArchivingServer.UntilAsync("the statistics tell", async () => await target.ScalarAsync<bool>("select n_tup_ins > 0 from pg_stat_user_tables where relname = 'notes'", CancellationToken.None));
        var error = await Assert.ThrowsAsync<MigrationException>(() => Cutover().UndoAsync(journal));

        Assert.Equal("CutoverNotBegun", error.ErrorId);
        Assert.Contains("public.notes", error.Message, StringComparison.Ordinal);
        await _bed.WriteAsAppAsync();
    }

    [Fact]
    public async Task Without_a_way_back_an_undo_refuses_and_says_what_would_be_lost()
    {
        string journal = _bed.NewJournal;
        using (var begun = CutoverJournal.Create(journal))
        {
            await using var context = _bed.Context(begun);
            await Assert.ThrowsAsync<MigrationException>(() => new CutoverRunner(WrappedStep.Plan(nameof(TidyUp), before: async _ =>
            {
                await _bed.WriteAsAppAsync();
                await using var target = await _bed.Link.Target.ConnectAsync();
                await ArchivingServer.UntilAsync("the statistics tell", async () => await target.ScalarAsync<bool>("select n_tup_ins > 0 from pg_stat_user_tables where relname = 'items'", CancellationToken.None));
                throw new MigrationException("Test", MigrationErrorKind.InvalidOperation, "made to fail.");
            }), context).RunAsync());
        }

        var error = await Assert.ThrowsAsync<MigrationException>(() => _bed.Cutover().UndoAsync(journal));

        Assert.Equal("CutoverNotUndoable", error.ErrorId);
        Assert.Matches(@"(bytes|[kM]B) of WAL were written there since", error.Message);
        Assert.Contains("public.items (1 rows)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_login_that_may_not_subscribe_is_refused_before_anything_is_touched()
    {
        var cutover = _bed.Cutover();

        var error = await Assert.ThrowsAsync<MigrationException>(() => (cutover with { Options = cutover.Options with { KeepSourceInSync = true } }).RunAsync(_bed.NewJournal));

        Assert.Equal("CutoverNotBegun", error.ErrorId);
        Assert.Contains("-KeepSourceInSync", error.Message, StringComparison.Ordinal);
        Assert.Contains("no superuser on the source", error.Message, StringComparison.Ordinal);
        await _bed.WriteAsAppAsync();
    }

    [Fact]
    public async Task A_watched_gate_that_closes_pauses_the_app_and_takes_the_cutover_back_where_that_was_asked()
    {
        string journal = _bed.NewJournal;
        var cutover = Cutover(options => options with { WatchFor = TimeSpan.FromMinutes(5), WatchInterval = TimeSpan.FromMilliseconds(50), WatchGates = [new ErrorRate(2) { Name = "error rate" }], AutoUndo = true });

        var report = await cutover.RunAsync(journal);

        Assert.Equal(CutoverOutcome.BackOnSource, report.Outcome);
        Assert.Contains(CutoverRecord.Read(journal).Entries, entry => entry.Event == CutoverEvent.Failed && entry.Step == nameof(WatchApp));
        await _bed.WriteAsAppAsync();
        await using var old = await _bed.Host.Superuser.ConnectAsync();
        Assert.Equal(1, await old.ScalarAsync<long>("select count(*) from items", CancellationToken.None));
    }

    [Fact]
    public async Task A_watched_gate_that_closes_without_a_way_back_leaves_the_app_paused_until_a_resume()
    {
        string journal = _bed.NewJournal;
        var cutover = _bed.Cutover();
        cutover = cutover with { Options = cutover.Options with { WatchFor = TimeSpan.FromMinutes(5), WatchInterval = TimeSpan.FromMilliseconds(50), WatchGates = [new ErrorRate(1) { Name = "error rate" }] } };

        var error = await Assert.ThrowsAsync<MigrationException>(() => cutover.RunAsync(journal));

        Assert.Equal("WatchFailed", error.ErrorId);
        Assert.Contains("Resume-Cutover", error.Message, StringComparison.Ordinal);
        await _bed.AssertAppWaitsAsync();
        Assert.Equal(CutoverOutcome.CutOver, (await _bed.Cutover().ResumeAsync(journal)).Outcome);
        await _bed.WriteAsAppAsync();
    }

    [Fact]
    public async Task A_watch_in_which_all_holds_ends_in_its_time()
    {
        var cutover = _bed.Cutover();
        cutover = cutover with { Options = cutover.Options with { WatchFor = TimeSpan.FromMilliseconds(300), WatchInterval = TimeSpan.FromMilliseconds(50), WatchGates = [new ErrorRate(int.MaxValue) { Name = "error rate" }] } };

        var report = await cutover.RunAsync(_bed.NewJournal);

        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        Assert.StartsWith("1 gates passed", Assert.Single(report.Steps, step => step.Step == nameof(WatchApp)).Proof, StringComparison.Ordinal);
    }

    private Cutover Cutover(Func<CutoverOptions, CutoverOptions>? with = null, IMigrationObserver? observer = null)
    {
        var options = new CutoverOptions { MaxPause = TimeSpan.FromSeconds(30), KeepSourceInSync = true, AppTarget = _bed.Link.TargetForApp(_bed.Host.App), AppSource = _bed.Host.App };
        return _bed.Cutover(observer) with { Source = _bed.Host.Superuser, Options = with?.Invoke(options) ?? options };
    }

    private CutoverContext Context(CutoverJournal journal) => new(_bed.Link, _bed.Host.Superuser, _bed.Link.TargetForApp(_bed.Host.App), _bed.App,
        new CutoverOptions { KeepSourceInSync = true, AppSource = _bed.Host.App }, journal, IMigrationObserver.None);

    private async Task WriteAsync(ConcurrentBag<long> acknowledged, CancellationToken stop)
    {
        await using var session = await _bed.Pooler.App.ConnectAsync(CancellationToken.None);
        while (!stop.IsCancellationRequested)
        {
            acknowledged.Add(await session.ScalarAsync<long>("insert into items (who) values ('writer') returning id", CancellationToken.None));
        }
    }

    private void Show(CutoverReport report)
    {
        foreach (var step in report.Steps)
        {
            output.WriteLine($"{step.Step,-20} {step.Time.TotalMilliseconds,7:0} ms  {step.Proof}");
        }

        output.WriteLine($"paused {report.Paused}");
    }

    private static Task UntilAsync(Func<bool> holds) => ArchivingServer.UntilAsync("the writers go on", () => Task.FromResult(holds()));

    private sealed class ErrorRate(int good) : MigrationGate
    {
        private int _asked;

        public override string Kind => "Test";

        public override string Expected => "at most 1 error a minute";

        protected override Task<GateObservation> ObserveAsync(CancellationToken cancel) =>
            Task.FromResult(_asked++ < good ? new GateObservation(true, "1 error a minute") : GateObservation.No("7 errors a minute"));
    }
}
