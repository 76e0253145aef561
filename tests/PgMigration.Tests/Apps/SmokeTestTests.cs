namespace PgMigration.Tests;

/// <summary>The app's own smoke test runs on the promoted target, before the app is let in; when it fails the app stays where it was.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class SmokeTestTests : IAsyncLifetime
{
    private CutoverBed _bed = null!;

    public async Task InitializeAsync() => _bed = await CutoverBed.CreateAsync("insert into items (who) values ('before')");

    public async Task DisposeAsync() => await _bed.DisposeAsync();

    [Fact]
    public async Task It_may_read_and_not_write_and_a_superuser_may_try_a_write_and_roll_it_back()
    {
        bool seen = false;
        var waiting = Task.CompletedTask;
        var app = App(async (server, cancel) =>
        {
            waiting = WriteAsAppAsync();
            await using var session = await server.ConnectAsync(cancel);
            Assert.Equal(_bed.Host.App.User, server.User);
            Assert.False(await session.ScalarAsync<bool>("select pg_is_in_recovery()", cancel));
            Assert.Equal(1, await session.ScalarAsync<long>("select count(*) from items", cancel));
            Assert.NotNull(await Record.ExceptionAsync(() => session.ExecuteAsync("insert into items (who) values ('smoke')", cancel)));
            Assert.NotNull(await Record.ExceptionAsync(() => session.ExecuteAsync("set default_transaction_read_only = off; insert into items (who) values ('smoke')", cancel)));
            await using var superuser = await _bed.Link.Target.ConnectAsync(cancel);
            await superuser.ExecuteAsync("begin read write; insert into items (who) values ('smoke'); rollback", cancel);
            Assert.False(waiting.IsCompleted); // the app is not let in yet
            seen = true;
        });

        var cutover = _bed.Cutover() with { App = app, Options = new CutoverOptions { MaxPause = TimeSpan.FromMinutes(2) } };
        var report = await cutover.RunAsync(_bed.NewJournal);

        Assert.True(seen);
        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        Assert.Contains(report.Steps, step => step.Step == nameof(SmokeTestTarget) && step.Proof.StartsWith("passed on 127.0.0.1:", StringComparison.Ordinal));
        await waiting;
        await using var target = await _bed.Link.Target.ConnectAsync();
        Assert.Equal(2, await target.ScalarAsync<long>("select count(*) from items where who in ('before', 'after')", CancellationToken.None));
        Assert.Equal(0, await target.ScalarAsync<long>("select count(*) from items where who = 'smoke'", CancellationToken.None));
    }

    [Fact]
    public async Task Its_failure_takes_everything_back()
    {
        var app = App((_, _) => throw new InvalidOperationException("the new server speaks in riddles, password=hunter2"));

        var error = await Assert.ThrowsAsync<MigrationException>(() => (_bed.Cutover() with { App = app }).RunAsync(_bed.NewJournal));

        Assert.Equal("CutoverUndone", error.ErrorId);
        Assert.Contains("smoke test failed", error.Message, StringComparison.Ordinal);
        Assert.Contains("riddles", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", error.Message, StringComparison.Ordinal);
        Assert.False(_bed.TargetRuns);
        await WriteAsAppAsync();
    }

    [Fact]
    public async Task One_that_hangs_is_a_failure_at_its_deadline()
    {
        var app = App((_, _) => new TaskCompletionSource().Task, TimeSpan.FromMilliseconds(200));

        var error = await Assert.ThrowsAsync<MigrationException>(() => (_bed.Cutover() with { App = app }).RunAsync(_bed.NewJournal));

        Assert.Contains("did not end within 0.2 s", error.Message, StringComparison.Ordinal);
        Assert.Equal("CutoverUndone", error.ErrorId);
        await WriteAsAppAsync();
    }

    [Fact]
    public void Only_an_app_that_has_one_has_the_step_in_its_plan_before_the_point_of_no_return()
    {
        Assert.DoesNotContain(_bed.Cutover().Plan.Describe(), row => row.Step == nameof(SmokeTestTarget));

        var rows = (_bed.Cutover() with { App = App((_, _) => Task.CompletedTask) }).Plan.Describe();

        int at = rows.ToList().FindIndex(row => row.Step == nameof(SmokeTestTarget));
        Assert.Equal([nameof(ProveTarget), nameof(OpenTarget)], [rows[at - 1].Step, rows[at + 1].Step]);
        Assert.Equal(CutoverMark.PointOfNoReturn, rows[at + 1].Mark);
    }

    private PgBouncerApp App(Func<PgServer, CancellationToken, Task> test, TimeSpan? timeout = null) =>
        new(_bed.Pooler.Admin, _bed.Host.App.Database, _bed.Pooler.ConfigurationFile) { SmokeTest = new Test(test) { Timeout = timeout ?? TimeSpan.FromSeconds(60) } };

    private async Task WriteAsAppAsync()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await using var session = await _bed.Pooler.App.ConnectAsync(deadline.Token);
        await session.ExecuteAsync("insert into items (who) values ('after')", deadline.Token);
    }

    private sealed class Test(Func<PgServer, CancellationToken, Task> test) : AppSmokeTest
    {
        public override void Check()
        {
        }

        protected override Task TryAsync(PgServer server, CancellationToken cancel) => test(server, cancel);
    }
}
