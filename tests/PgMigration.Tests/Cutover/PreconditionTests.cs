using Npgsql;

namespace PgMigration.Tests;

/// <summary>What the cutover asks of both servers by itself, before it begins and again before the app is paused.</summary>
public sealed class PreconditionTests : IAsyncLifetime
{
    private CutoverBed _bed = null!;

    public async Task InitializeAsync() => _bed = await CutoverBed.CreateAsync(null, "max_prepared_transactions = 5");

    public async Task DisposeAsync() => await _bed.DisposeAsync();

    [Fact]
    public async Task A_transaction_that_is_open_for_long_is_refused_with_its_query()
    {
        await using var report = await _bed.Host.App.WithApplicationName("monthly report").ConnectAsync();
        await report.ExecuteAsync("begin; select count(*) from items", CancellationToken.None);
        await Task.Delay(300); // its age, not a wait for something

        var error = await RefusedAsync(new CutoverOptions { MaxTransactionAge = TimeSpan.FromMilliseconds(200) });

        Assert.Contains($"process {report.ProcessID} of app (monthly report", error.Message, StringComparison.Ordinal);
        Assert.Contains("select count(*) from items", error.Message, StringComparison.Ordinal);
        Assert.Contains("-MaxTransactionAge", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_schema_change_in_an_open_transaction_is_refused()
    {
        await using var deploy = await _bed.Host.App.ConnectAsync();
        await deploy.ExecuteAsync("begin; alter table items add column more int", CancellationToken.None);

        Assert.Contains("changes the schema", (await RefusedAsync(new CutoverOptions { MaxTransactionAge = TimeSpan.FromMilliseconds(200) })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_transaction_of_another_role_is_waited_for_and_named_when_it_does_not_end()
    {
        await using var stranger = await _bed.Host.Superuser.ConnectAsync();
        await stranger.ExecuteAsync("begin; insert into items (who) values ('stranger')", CancellationToken.None);

        var error = await RefusedAsync(new CutoverOptions { MaxTransactionAge = TimeSpan.FromMilliseconds(200) });
        Assert.Contains($"process {stranger.ProcessID} of hostadmin", error.Message, StringComparison.Ordinal);
        Assert.Contains("tables: items", error.Message, StringComparison.Ordinal);

        await stranger.ExecuteAsync("rollback", CancellationToken.None);
        Assert.Contains("none for long", await CheckAsync(new CutoverOptions()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_prepared_transaction_that_outlasts_FenceTimeout_stops_the_cutover_before_the_fence()
    {
        await using var owner = await _bed.Host.App.ConnectAsync();
        await owner.ExecuteAsync("begin; insert into items (who) values ('two-phase'); prepare transaction 'meanwhile'", CancellationToken.None);
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal, new CutoverOptions { FenceTimeout = TimeSpan.FromMilliseconds(1) });

        var error = await Assert.ThrowsAsync<MigrationException>(() => new FenceSource().DoAsync(context, CancellationToken.None));

        Assert.Contains("COMMIT PREPARED 'meanwhile'", error.Message, StringComparison.Ordinal);
        await owner.ExecuteAsync("rollback prepared 'meanwhile'; insert into items (who) values ('not fenced')", CancellationToken.None);
    }

    [Fact]
    public async Task A_link_that_has_stopped_flowing_is_not_taken_for_one_without_lag()
    {
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal, new CutoverOptions { MaxLagBytes = 1L << 30 });
        context.Learn(context.Facts with { SegmentSize = 16 << 20 });
        await Preconditions.CheckAsync(context);
        await using (var target = await _bed.Link.Target.ConnectAsync())
        {
            await target.ExecuteAsync("select pg_wal_replay_pause()", CancellationToken.None);
        }

        var source = await context.SourceSessionAsync(CancellationToken.None);
        for (int segment = 0; segment < 4; segment++)
        {
            await WalFiller.WriteAsync(source, 16 << 20, CancellationToken.None);
        }

        var error = await Assert.ThrowsAsync<MigrationException>(() => Preconditions.CheckAsync(context));

        Assert.Equal("CutoverGateClosed", error.ErrorId);
        Assert.Contains("The lag grows", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_target_whose_connections_are_used_up_is_refused()
    {
        var sessions = new List<NpgsqlConnection>();
        try
        {
            for (int number = 0; number < 110; number++)
            {
                sessions.Add(await _bed.Link.Target.ConnectAsync());
            }

            for (int number = 0; number < 10; number++)
            {
                sessions.Add(await _bed.Host.App.ConnectAsync());
            }

            Assert.Contains("Raise max_connections", (await RefusedAsync(new CutoverOptions())).Message, StringComparison.Ordinal);
        }
        finally
        {
            foreach (var session in sessions)
            {
                await session.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task A_target_whose_disk_is_nearly_full_is_refused()
    {
        Assert.Contains("is free on the disk", (await RefusedAsync(new CutoverOptions { MinFreeDiskBytes = 1L << 60 })).Message, StringComparison.Ordinal);
        Assert.Contains("1.0 MB of its disk free", await CheckAsync(new CutoverOptions { MinFreeDiskBytes = 1 << 20 }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gate_that_closes_between_the_first_step_and_the_pause_leaves_the_app_running()
    {
        string journal = _bed.NewJournal;
        var cutover = _bed.Cutover();
        cutover = cutover with { Options = cutover.Options with { Gates = [new ClosingGate { Name = "closing" }] } };

        var error = await Assert.ThrowsAsync<MigrationException>(() => cutover.RunAsync(journal));

        Assert.Equal("CutoverUndone", error.ErrorId);
        Assert.StartsWith("ConfirmGates failed: Gate 'closing' said no: it saw the second time", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(CutoverRecord.Read(journal).Entries, entry => entry.Step == nameof(PauseApp));
    }

    [Fact]
    public void A_long_fence_is_reported_with_its_time_and_its_objects_and_no_guess_at_the_cause()
    {
        Assert.Null(CheckGates.LongFence(TimeSpan.FromMilliseconds(80), 70_000));
        Assert.Contains("took 3.8 s in the quicker of two trials, for rights on 2 objects", CheckGates.LongFence(TimeSpan.FromSeconds(3.75), 2), StringComparison.Ordinal);
    }

    private async Task<MigrationException> RefusedAsync(CutoverOptions options)
    {
        var error = await Assert.ThrowsAsync<MigrationException>(() => CheckAsync(options));
        Assert.Equal("CutoverGateClosed", error.ErrorId);
        return error;
    }

    private async Task<string> CheckAsync(CutoverOptions options)
    {
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal, options);
        return await Preconditions.CheckAsync(context);
    }

    private sealed class ClosingGate : MigrationGate
    {
        private int _asked;

        public override string Kind => "Test";

        public override string Expected => "the first look";

        protected override Task<GateObservation> ObserveAsync(CancellationToken cancel) =>
            Task.FromResult(_asked++ == 0 ? new GateObservation(true, "the first time") : GateObservation.No("the second time"));
    }
}
