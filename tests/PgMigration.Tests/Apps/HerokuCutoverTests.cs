namespace PgMigration.Tests;

/// <summary>Cutovers of an app on Heroku, on real servers: what another session finds after a death.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class HerokuCutoverTests : IAsyncLifetime
{
    private CutoverBed _bed = null!;
    private TestHeroku _heroku = null!;
    private string _old = null!;

    public async Task InitializeAsync()
    {
        _bed = await CutoverBed.CreateAsync();
        var app = _bed.Host.App;
        _old = $"postgres://{app.User}:{app.FindPassword()}@{app.Host}:{app.Port}/{app.Database}?pool=5";
        _heroku = new TestHeroku { StopsAfter = TimeSpan.FromMilliseconds(100) };
        _heroku.Attach("DATABASE", _old);
    }

    public async Task DisposeAsync()
    {
        _heroku.Dispose();
        await _bed.DisposeAsync();
    }

    [Fact]
    public async Task The_app_moves_and_neither_secret_nor_token_is_in_the_journal()
    {
        string journal = _bed.NewJournal;

        var report = await Cutover().RunAsync(journal);

        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        await WriteAsAppAsync(_bed.Link.Target.Port);
        Assert.Equal("0 2 1", string.Join(' ', _heroku.Formation.Values));
        Assert.Equal((false, 0), (_heroku.Maintenance, _heroku.RestartedDynos));
        string said = await File.ReadAllTextAsync(journal);
        Assert.DoesNotContain(_bed.Host.App.FindPassword()!, said, StringComparison.Ordinal);
        Assert.DoesNotContain(TestHeroku.Token, said, StringComparison.Ordinal);
        Assert.Contains("worker", said, StringComparison.Ordinal); // the formation, for whoever goes on
    }

    [Theory]
    [InlineData(nameof(PauseApp))]
    [InlineData(nameof(MarkSource))]
    public async Task A_death_before_the_promotion_is_undone_by_another_session_to_the_last_dyno(string step)
    {
        string journal = _bed.NewJournal;
        await DieAfterAsync(step, journal);
        Assert.Equal("0 0 0", string.Join(' ', _heroku.Formation.Values));

        var report = await Cutover().UndoAsync(journal);

        Assert.Equal(CutoverOutcome.BackOnSource, report.Outcome);
        Assert.Equal("0 2 1", string.Join(' ', _heroku.Formation.Values));
        Assert.Equal(["DATABASE"], _heroku.Attachments);
        Assert.Equal((false, 0), (_heroku.Maintenance, _heroku.RestartedDynos));
        await WriteAsAppAsync(_bed.Host.App.Port);
    }

    [Fact]
    public async Task Another_app_than_the_one_that_was_paused_is_refused()
    {
        string journal = _bed.NewJournal;
        await DieAfterAsync(nameof(PauseApp), journal);
        var otherName = new HerokuApp("shop-staging", TestHeroku.Token, _heroku.Address, ["DATABASE_URL"]);

        foreach (var wrong in (MigrationApp[])[_bed.App, otherName])
        {
            Assert.Equal("OtherApp", (await Assert.ThrowsAsync<MigrationException>(() => (_bed.Cutover() with { App = wrong }).UndoAsync(journal))).ErrorId);
        }

        await Cutover().UndoAsync(journal);
        Assert.Equal("0 2 1", string.Join(' ', _heroku.Formation.Values));
    }

    [Theory]
    [InlineData(nameof(PauseApp))]
    [InlineData(nameof(OpenTarget))]
    [InlineData(nameof(RepointApp))]
    public async Task A_death_is_resumed_by_another_session_to_the_target(string step)
    {
        string journal = _bed.NewJournal;
        await DieAfterAsync(step, journal);

        var report = await Cutover().ResumeAsync(journal);

        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        Assert.Equal("0 2 1", string.Join(' ', _heroku.Formation.Values));
        Assert.Equal((false, 0), (_heroku.Maintenance, _heroku.RestartedDynos));
        await WriteAsAppAsync(_bed.Link.Target.Port);
    }

    [Fact]
    public async Task A_token_that_may_not_change_config_is_found_before_the_fence()
    {
        _heroku.Refusals["PATCH /apps/shop/config-vars"] = (403, "forbidden", "You do not have the required access for this operation.");

        var error = await Assert.ThrowsAsync<MigrationException>(() => Cutover().RunAsync(_bed.NewJournal));

        Assert.Equal("CutoverUndone", error.ErrorId);
        Assert.Contains("write-protected", error.Message, StringComparison.Ordinal);
        Assert.Equal("0 2 1", string.Join(' ', _heroku.Formation.Values));
        await WriteAsAppAsync(_bed.Host.App.Port);
    }

    private Cutover Cutover() => _bed.Cutover() with { App = App(), Options = new CutoverOptions { MaxPause = TimeSpan.FromSeconds(60), PauseTimeout = TimeSpan.FromSeconds(30) } };

    private HerokuApp App() => new("shop", new HerokuApi(_heroku.Address, TestHeroku.Token), ["DATABASE_URL"], [], TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(10), rehearsal: true);

    // As the app would: with the address that its config var holds.
    private async Task WriteAsAppAsync(int port)
    {
        await using var session = await DatabaseUrl.TryParse(_heroku.Config["DATABASE_URL"])!.Server.ConnectAsync();
        await session.ExecuteAsync("insert into items (who) values ('after')", CancellationToken.None);
        Assert.Equal(port, await session.ScalarAsync<int>("select current_setting('port')::int", CancellationToken.None));
    }

    private async Task DieAfterAsync(string step, string journalPath)
    {
        var reached = new TaskCompletionSource();
        var journal = CutoverJournal.Create(journalPath);
        var context = _bed.Context(journal, Cutover().Options, App());
        var plan = new CutoverPlan([.. CutoverPlan.ForWal().Steps.Select(each => each.Name == step ? new EndlessStep(each, reached) : each)]);
        var running = new CutoverRunner(plan, context).RunAsync();
        await Task.WhenAny(reached.Task, running);
        Assert.False(running.IsCompleted);
        journal.Dispose();
        await context.DisposeAsync();
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
