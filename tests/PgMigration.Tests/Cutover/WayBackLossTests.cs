namespace PgMigration.Tests;

/// <summary>What the way back does not carry keeps it closed once somebody has written to it, also when the server has forgotten how often.</summary>
public sealed class WayBackLossTests : IAsyncLifetime
{
    private CutoverBed _bed = null!;

    public async Task InitializeAsync() => _bed = await CutoverBed.CreateAsync("create table \"Notes\" (note json); insert into \"Notes\" values ('{}'); select lo_from_bytea(4711, 'old')");

    public async Task DisposeAsync() => await _bed.DisposeAsync();

    [Theory]
    [InlineData("insert into \"Notes\" values ('{\"paid\": 1}')", "public.\"Notes\"")]
    [InlineData(null, null)]
    public async Task A_crash_of_the_new_server_makes_it_forget_its_counts_and_not_what_would_be_lost(string? written, string? lost)
    {
        string journal = _bed.NewJournal;
        await Cutover().RunAsync(journal);
        await WriteAsync(written ?? "insert into items (who) values ('carried')");
        await _bed.RestartTargetAsync("immediate");
        await UntilFollowedAsync();

        if (lost is null)
        {
            Assert.Equal(CutoverOutcome.BackOnSource, (await Cutover().UndoAsync(journal)).Outcome);
            await using var old = await _bed.Host.Superuser.ConnectAsync();
            Assert.Equal(1, await old.ScalarAsync<long>("select count(*) from items", CancellationToken.None));
            return;
        }

        await RefusedAsync(journal, lost);
    }

    [Theory]
    [InlineData("select lo_create(900)")]
    [InlineData("select lo_put(4711, 0, 'NEW')")]
    [InlineData("select lo_unlink(4711)")]
    public async Task A_large_object_that_was_written_since_keeps_the_way_back_closed(string written)
    {
        string journal = _bed.NewJournal;
        await Cutover().RunAsync(journal);
        await WriteAsync(written);

        await RefusedAsync(journal, "large objects");
    }

    [Fact]
    public async Task A_table_that_was_created_since_keeps_the_way_back_closed()
    {
        string journal = _bed.NewJournal;
        await Cutover().RunAsync(journal);
        await WriteAsync("create table invoices (id int primary key)");

        await RefusedAsync(journal, "public.invoices (created since)");
    }

    [Fact]
    public async Task What_is_written_between_the_check_and_the_fence_is_seen_behind_it_and_the_app_goes_on_at_the_new_server()
    {
        string path = _bed.NewJournal;
        await Cutover().RunAsync(path);
        using (var journal = CutoverJournal.Open(path))
        {
            await using var context = new CutoverContext(_bed.Link, _bed.Host.Superuser, _bed.Link.TargetForApp(_bed.Host.App), _bed.App, Options, journal, IMigrationObserver.None);
            var plan = CutoverPlan.ForReturn();
            var late = plan with { Steps = [.. plan.Steps.Select(step => step.Name == nameof(PauseNewApp) ? new WrappedStep(step, before: _ => WriteAsync("insert into \"Notes\" values ('{\"late\": 1}')")) : step)] };

            var error = await Assert.ThrowsAsync<MigrationException>(() => new CutoverRunner(late, context).RunAsync());

            Assert.Equal("CutoverUndone", error.ErrorId);
            Assert.Contains("public.\"Notes\"", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(CutoverOutcome.CutOver, CutoverRecord.Read(path).Outcome);
        await _bed.WriteAsAppAsync();
    }

    [Fact]
    public async Task A_watched_gate_that_closes_takes_nothing_back_where_that_would_lose_something_and_a_resume_lets_the_app_go_on()
    {
        string journal = _bed.NewJournal;
        var gate = new AfterWrite(() => WriteAsync("select lo_put(4711, 0, 'NEW')")) { Name = "error rate" };
        var cutover = Cutover();
        cutover = cutover with { Options = Options with { WatchFor = TimeSpan.FromMinutes(5), WatchGates = [gate], AutoUndo = true } };

        var error = await Assert.ThrowsAsync<MigrationException>(() => cutover.RunAsync(journal));

        Assert.Equal("WatchFailed", error.ErrorId);
        Assert.Contains("large objects", error.Message, StringComparison.Ordinal);
        Assert.Contains("Resume-Cutover", error.Message, StringComparison.Ordinal);
        await _bed.AssertAppWaitsAsync();
        Assert.Equal(CutoverOutcome.CutOver, (await Cutover().ResumeAsync(journal)).Outcome);
        await _bed.WriteAsAppAsync();
    }

    private CutoverOptions Options => new() { MaxPause = TimeSpan.FromSeconds(30), KeepSourceInSync = true, AppTarget = _bed.Link.TargetForApp(_bed.Host.App), AppSource = _bed.Host.App };

    private Cutover Cutover() => _bed.Cutover() with { Source = _bed.Host.Superuser, Options = Options };

    private async Task RefusedAsync(string journal, string lost)
    {
        var error = await Assert.ThrowsAsync<MigrationException>(() => Cutover().UndoAsync(journal));

        Assert.Equal("CutoverNotBegun", error.ErrorId);
        Assert.Contains("Going back would lose", error.Message, StringComparison.Ordinal);
        Assert.Contains(lost, error.Message, StringComparison.Ordinal);
        await _bed.WriteAsAppAsync();
    }

    private Task UntilFollowedAsync() => ArchivingServer.UntilAsync("the old server follows", async () =>
    {
        await using var target = await _bed.Link.Target.ConnectAsync();
        return await target.ScalarAsync<bool>("select active from pg_replication_slots", CancellationToken.None);
    });

    // Its session has ended when this returns, and with that the server has counted it.
    private async Task WriteAsync(string sql)
    {
        await using var target = await _bed.Link.TargetForApp(_bed.Host.App).ConnectAsync();
        await target.ExecuteAsync(sql, CancellationToken.None);
        int process = target.ProcessID;
        await target.CloseAsync();
        await using var asking = await _bed.Link.Target.ConnectAsync();
        await ArchivingServer.UntilAsync("the session ends", async () => !await asking.ScalarAsync<bool>($"select exists (select from pg_stat_activity where pid = {process})", CancellationToken.None));
    }

    private sealed class AfterWrite(Func<Task> write) : MigrationGate
    {
        public override string Kind => "Test";

        public override string Expected => "no error";

        protected override async Task<GateObservation> ObserveAsync(CancellationToken cancel)
        {
            await write();
            return GateObservation.No("7 errors a minute");
        }
    }
}
