namespace PgMigration.Tests;

/// <summary>Several poolers in front of one database: all move or none does, and one that dies does not keep the others waiting.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class AppGroupTests : IAsyncLifetime
{
    private CutoverBed _bed = null!;
    private LocalPgBouncer _second = null!;
    private AppGroup _group = null!;

    public async Task InitializeAsync()
    {
        _bed = await CutoverBed.CreateAsync();
        _second = await _bed.StartPoolerAsync("second");
        _group = new AppGroup([_bed.App, _bed.AppOf(_second)]);
    }

    public async Task DisposeAsync()
    {
        await _second.DisposeAsync();
        await _bed.DisposeAsync();
    }

    [Fact]
    public async Task Two_poolers_move_together()
    {
        var report = await Cutover(_group).RunAsync(_bed.NewJournal);

        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        Assert.True(await LeadsToTargetAsync(_bed.Pooler) && await LeadsToTargetAsync(_second));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    public async Task Another_entry_of_a_pooler_for_the_same_database_is_named_and_moves_with_it_when_it_is_given(string host)
    {
        Assert.Equal("127.0.0.1", _bed.Host.App.Host);
        string ini = await File.ReadAllTextAsync(_bed.Pooler.ConfigurationFile);
        await File.WriteAllTextAsync(_bed.Pooler.ConfigurationFile, ini.Replace("[pgbouncer]", $"reports = host={host} port={_bed.Host.App.Port} dbname={_bed.Host.App.Database}\n[pgbouncer]", StringComparison.Ordinal));
        await AskPoolerAsync("RELOAD");

        var error = await Assert.ThrowsAsync<MigrationException>(() => Cutover(_bed.App).RunAsync(_bed.NewJournal));
        Assert.Equal("CutoverNotBegun", error.ErrorId);
        Assert.Contains("'reports' too", error.Message, StringComparison.Ordinal);

        var both = new AppGroup([_bed.App, new PgBouncerApp(_bed.Pooler.Admin, "reports", _bed.Pooler.ConfigurationFile)]);
        Assert.Equal(CutoverOutcome.CutOver, (await Cutover(both).RunAsync(_bed.NewJournal)).Outcome);
        foreach (string entry in (string[])[_bed.Host.App.Database, "reports"])
        {
            await using var session = await _bed.Pooler.App.WithDatabase(entry).ConnectAsync();
            Assert.Equal(_bed.Link.Target.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), await session.ScalarAsync<string>("show port", CancellationToken.None));
        }
    }

    [Fact]
    public async Task A_pooler_that_sends_waiting_clients_away_before_the_pause_must_end_is_refused()
    {
        await AskPoolerAsync("SET query_wait_timeout = 7");

        var error = await Assert.ThrowsAsync<MigrationException>(() => Cutover(_group).RunAsync(_bed.NewJournal));

        Assert.Equal("CutoverNotBegun", error.ErrorId);
        Assert.Contains("have waited for 7 s", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_cannot_be_paused_lets_all_go_on()
    {
        await using var holder = await _second.App.ConnectAsync();
        await holder.ExecuteAsync("begin; insert into items (who) values ('holder')", CancellationToken.None);
        var cutover = Cutover(_group) with { Options = new CutoverOptions { PauseTimeout = TimeSpan.FromSeconds(1) } };

        var error = await Assert.ThrowsAsync<MigrationException>(() => cutover.RunAsync(_bed.NewJournal));

        Assert.Equal("CutoverUndone", error.ErrorId);
        Assert.Contains("did not end within 1 s", error.Message, StringComparison.Ordinal);
        await holder.ExecuteAsync("commit", CancellationToken.None);
        Assert.False(await LeadsToTargetAsync(_bed.Pooler) || await LeadsToTargetAsync(_second));
    }

    [Fact]
    public async Task One_that_dies_behind_the_pause_does_not_keep_the_others_and_comes_back_at_the_target()
    {
        var watched = new Watch();
        var report = await RunWithAsync(nameof(ProveTarget), () => _second.DisposeAsync().AsTask().GetAwaiter().GetResult(), watched);

        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        Assert.Contains(watched.Warnings, warning => warning.Contains("does not run", StringComparison.Ordinal));
        Assert.True(await LeadsToTargetAsync(_bed.Pooler));
        await _second.StartAgainAsync();
        Assert.True(await LeadsToTargetAsync(_second));
    }

    [Fact]
    public async Task One_that_dies_behind_the_pause_does_not_hinder_an_undo_and_comes_back_at_the_source()
    {
        var error = await Assert.ThrowsAsync<MigrationException>(() => RunWithAsync(nameof(MarkSource), () =>
        {
            _second.DisposeAsync().AsTask().GetAwaiter().GetResult();
            throw new IOException("made to fail");
        }));

        Assert.Equal("CutoverUndone", error.ErrorId);
        Assert.False(await LeadsToTargetAsync(_bed.Pooler));
        await _second.StartAgainAsync();
        Assert.False(await LeadsToTargetAsync(_second));
        await using var session = await _second.App.ConnectAsync();
        await session.ExecuteAsync("insert into items (who) values ('after')", CancellationToken.None);
    }

    [Fact]
    public async Task Clients_of_a_session_pool_are_disconnected_after_a_while_if_that_is_allowed()
    {
        await using var pooler = await _bed.StartPoolerAsync("sessions", "session");
        await using var client = await pooler.App.ConnectAsync();
        await client.ExecuteAsync("select 1", CancellationToken.None);
        Assert.Equal("PgBouncerSessionMode", (await Assert.ThrowsAsync<MigrationException>(() => _bed.AppOf(pooler).CheckAsync(_bed.Host.App))).ErrorId);
        var patient = _bed.AppOf(pooler, TimeSpan.FromMinutes(5));
        await patient.CheckAsync(_bed.Host.App);
        using (var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(300)))
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => patient.PauseAsync(deadline.Token));
            await client.ExecuteAsync("select 1", CancellationToken.None);
            await patient.ResumeAsync();
        }

        var app = _bed.AppOf(pooler, TimeSpan.FromMilliseconds(200));
        await app.PauseAsync();

        Assert.Contains("were disconnected", Assert.Single(app.Remarks), StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<Exception>(() => client.ExecuteAsync("select 1", CancellationToken.None));
        await app.ResumeAsync();
        Assert.False(await LeadsToTargetAsync(pooler));
    }

    [Fact]
    public async Task A_statement_of_a_client_that_was_disconnected_is_ended_and_not_taken_for_a_strangers()
    {
        await using var pooler = await _bed.StartPoolerAsync("sessions", "session");
        await using var client = await pooler.App.ConnectAsync();
        var lasting = client.ExecuteAsync("select pg_sleep(100)", CancellationToken.None);
        var watched = new Watch();

        var report = await (_bed.Cutover(watched) with { App = _bed.AppOf(pooler, TimeSpan.FromMilliseconds(200)) }).RunAsync(_bed.NewJournal);

        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        await Assert.ThrowsAnyAsync<Exception>(() => lasting);
        Assert.Contains(watched.Warnings, warning => warning.Contains("were disconnected", StringComparison.Ordinal));
        Assert.DoesNotContain(watched.Warnings, warning => warning.Contains("were connected although the app is paused", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_entry_is_pointed_back_to_what_it_was()
    {
        string before = await File.ReadAllTextAsync(_bed.Pooler.ConfigurationFile);
        string state = (await _group.RememberAsync())!;
        await _group.RepointAsync(_bed.Link.TargetForApp(_bed.Host.App));
        Assert.NotEqual(before, await File.ReadAllTextAsync(_bed.Pooler.ConfigurationFile));
        var another = new AppGroup([_bed.AppOf(_bed.Pooler), _bed.AppOf(_second)]);
        another.Recall(state);

        await another.PointBackAsync(_bed.Host.App.WithHost("localhost", 1));

        Assert.Equal(before, await File.ReadAllTextAsync(_bed.Pooler.ConfigurationFile));
        Assert.False(await LeadsToTargetAsync(_bed.Pooler) || await LeadsToTargetAsync(_second));
    }

    private async Task AskPoolerAsync(string command)
    {
        await using var console = await PgBouncerConsole.ConnectAsync(_bed.Pooler.Admin, CancellationToken.None);
        await console.AskAsync(command, CancellationToken.None);
    }

    private Cutover Cutover(MigrationApp app) => _bed.Cutover() with { App = app };

    private async Task<CutoverReport> RunWithAsync(string step, Action inStep, IMigrationObserver? observer = null)
    {
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal, app: _group, observer: observer);
        var plan = new CutoverPlan([.. CutoverPlan.ForWal().Steps.Select(each => each.Name == step ? new DisturbedStep(each, inStep) : each)]);
        return await new CutoverRunner(plan, context).RunAsync();
    }

    private async Task<bool> LeadsToTargetAsync(LocalPgBouncer pooler)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await using var session = await pooler.App.ConnectAsync(deadline.Token);
        return await session.ScalarAsync<int>("select current_setting('port')::int", deadline.Token) == _bed.Link.Target.Port;
    }

    private sealed class Watch : IMigrationObserver
    {
        public List<string> Warnings { get; } = [];

        public void Progress(MigrationProgress progress)
        {
        }

        public void Warning(string message) => Warnings.Add(message);

        public void Verbose(string message)
        {
        }
    }
}
