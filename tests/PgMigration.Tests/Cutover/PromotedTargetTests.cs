using Npgsql;

namespace PgMigration.Tests;

/// <summary>Between the promotion and the point of no return: going back costs a new restore, and a target that was not stopped could still open.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class PromotedTargetTests : IAsyncLifetime
{
    private CutoverBed _bed = null!;

    public async Task InitializeAsync() => _bed = await CutoverBed.CreateAsync();

    public async Task DisposeAsync() => await _bed.DisposeAsync();

    [Fact]
    public async Task A_target_whose_sessions_break_after_the_promotion_costs_no_new_restore()
    {
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal);
        var plan = new CutoverPlan([.. CutoverPlan.ForWal().Steps.Select(step => step is ProveTarget ? new Interrupted(step, _bed.Link.Target) : step)]);

        var report = await new CutoverRunner(plan, context).RunAsync();

        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
    }

    [Theory]
    [InlineData(PostgresErrorCodes.SerializationFailure)]
    [InlineData(PostgresErrorCodes.DeadlockDetected)]
    public async Task A_question_that_stands_in_the_way_of_replay_while_the_target_is_promoted_is_asked_again(string conflict)
    {
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal);
        int asked = 0;
        var plan = WrappedStep.Plan(nameof(PromoteTarget), before: _ => asked++ > 0 ? Task.CompletedTask
            : throw new PostgresException("canceling statement due to conflict with recovery", "ERROR", "ERROR", conflict));

        var report = await new CutoverRunner(plan, context).RunAsync();

        Assert.Equal((CutoverOutcome.CutOver, 2), (report.Outcome, asked));
    }

    [Fact]
    public async Task A_promotion_that_arrives_after_its_time_is_none()
    {
        // as if a network had held the request back until now
        await using var session = await _bed.Link.Target.ConnectAsync();
        var late = new NpgsqlParameter<DateTime>("until", await session.ScalarAsync<DateTime>("select clock_timestamp()", CancellationToken.None));
        Assert.Empty(await session.RowsAsync(PromoteTarget.Request, row => row.GetBoolean(0), CancellationToken.None, late));

        var inTime = new NpgsqlParameter<DateTime>("until", late.TypedValue + TimeSpan.FromMinutes(10));
        Assert.Single(await session.RowsAsync(PromoteTarget.Request, row => row.GetBoolean(0), CancellationToken.None, inTime));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // said of one that runs: it is stopped all the same
    public async Task A_target_that_stands_still_keeps_the_source_fenced_until_it_is_known_to_be_stopped(bool saidToBeStopped)
    {
        string path = _bed.NewJournal;
        await FreezeAfterPromotionAsync(path);
        try
        {
            await using (var source = await _bed.Host.Superuser.ConnectAsync())
            {
                Assert.Equal("on", await source.ScalarAsync<string>("show default_transaction_read_only", CancellationToken.None));
            }

            await _bed.AssertAppWaitsAsync();
        }
        finally
        {
            await _bed.SignalTargetAsync("CONT");
        }

        var cutover = _bed.Cutover();
        Assert.Equal(CutoverOutcome.BackOnSource, (await (cutover with { Options = cutover.Options with { TargetIsStopped = saidToBeStopped } }).UndoAsync(path)).Outcome);
        Assert.False(_bed.TargetRuns);
        await _bed.WriteAsAppAsync();
    }

    [Fact]
    public async Task Who_has_seen_that_the_target_is_off_says_so_and_the_app_goes_on_at_the_source()
    {
        string path = _bed.NewJournal;
        await FreezeAfterPromotionAsync(path);
        try
        {
            var told = _bed.Cutover();
            Assert.Equal(CutoverOutcome.BackOnSource, (await (told with { Options = told.Options with { TargetIsStopped = true } }).UndoAsync(path)).Outcome);
        }
        finally
        {
            await _bed.SignalTargetAsync("CONT");
        }

        await _bed.WriteAsAppAsync();
    }

    [Theory]
    [InlineData("/nowhere/data", false)] // of another machine: only the tunnel to it is gone
    [InlineData("/", true)]
    public async Task A_refused_connection_proves_that_a_target_is_stopped_only_where_it_would_listen(string dataDirectory, bool proves)
    {
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        var link = new WalLink
        {
            Source = _bed.Host.App, Target = _bed.Link.Target.WithHost("127.0.0.1", LoopbackPort.Free()), TargetAddress = _bed.Host.App, Archive = "file:///archive", BackupName = "base", DataDirectory = dataDirectory, SystemIdentifier = 1,
        };
        await using var context = new CutoverContext(link, _bed.Host.App, _bed.Host.App, _bed.App, new CutoverOptions(), journal, IMigrationObserver.None);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));

        var stopping = TargetStop.StopAsync(context, limit.Token);

        if (proves)
        {
            await stopping;
        }
        else
        {
            Assert.Equal("TargetStateUnknown", (await Assert.ThrowsAsync<MigrationException>(() => stopping)).ErrorId);
        }
    }

    private async Task FreezeAfterPromotionAsync(string path)
    {
        using var journal = CutoverJournal.Create(path);
        await using var context = _bed.Context(journal, new CutoverOptions { MaxPause = TimeSpan.FromSeconds(20), UndoTimeout = TimeSpan.FromSeconds(1) });
        var plan = WrappedStep.Plan(nameof(PromoteTarget), after: async _ =>
        {
            await _bed.SignalTargetAsync("STOP");
            throw new MigrationException("Whatever", MigrationErrorKind.InvalidOperation, "made to fail");
        });

        var error = await Assert.ThrowsAsync<MigrationException>(() => new CutoverRunner(plan, context).RunAsync());

        Assert.Equal("CutoverUndoFailed", error.ErrorId);
        Assert.Contains("-TargetIsStopped", error.Message, StringComparison.Ordinal);
    }

    private sealed class Interrupted(ICutoverStep inner, PgServer target) : ICutoverStep
    {
        private bool _done;

        public string Name => inner.Name;

        public string Effect => inner.Effect;

        public string UndoEffect => inner.UndoEffect;

        public CutoverMark Mark => inner.Mark;

        public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
        {
            if (!_done)
            {
                _done = true;
                await using var other = await target.ConnectAsync(cancel);
                await other.ExecuteAsync("select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()", cancel);
            }

            return await inner.DoAsync(context, cancel);
        }

        public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => inner.IsDoneAsync(context, cancel);

        public Task UndoAsync(CutoverContext context, CancellationToken cancel) => inner.UndoAsync(context, cancel);
    }
}
