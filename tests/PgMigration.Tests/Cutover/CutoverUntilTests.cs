namespace PgMigration.Tests;

/// <summary>Stopping where one is told to, and going on or back from there; and one session at a time.</summary>
public sealed class CutoverUntilTests : IAsyncLifetime
{
    private CutoverBed _bed = null!;

    public async Task InitializeAsync() => _bed = await CutoverBed.CreateAsync();

    public async Task DisposeAsync() => await _bed.DisposeAsync();

    [Fact]
    public async Task A_cutover_stops_behind_the_step_that_it_was_told_and_a_resume_finishes_it()
    {
        string journal = _bed.NewJournal;

        var stopped = await Cutover(nameof(FillSegment)).RunAsync(journal);

        Assert.Equal(CutoverOutcome.Unfinished, stopped.Outcome);
        Assert.Equal((nameof(FillSegment), CutoverEvent.Stopped), (CutoverRecord.Read(journal).LastStep, CutoverRecord.Read(journal).LastEvent));
        await _bed.WriteAsAppAsync();
        Assert.Equal(CutoverOutcome.CutOver, (await _bed.Cutover().ResumeAsync(journal)).Outcome);
        await _bed.WriteAsAppAsync();
    }

    [Fact]
    public async Task A_cutover_that_a_gate_refused_is_tried_again_with_the_same_journal()
    {
        string journal = _bed.NewJournal;
        var cutover = _bed.Cutover();
        var refused = cutover with { Options = cutover.Options with { MinFreeDiskBytes = 1L << 60 } };
        Assert.Equal("CutoverNotBegun", (await Assert.ThrowsAsync<MigrationException>(() => refused.RunAsync(journal))).ErrorId);
        Assert.Equal("StepUnknown", (await Assert.ThrowsAsync<MigrationException>(() => Cutover("Fence").RunAsync(journal))).ErrorId);

        Assert.Equal(CutoverOutcome.Unfinished, (await Cutover(nameof(CheckGates)).RunAsync(journal)).Outcome);
    }

    [Fact]
    public async Task The_pause_that_a_resume_in_another_session_reports_counts_from_the_first_sessions_pause()
    {
        string journal = _bed.NewJournal;
        await Cutover(nameof(PauseApp), leavePaused: true).RunAsync(journal);
        await Task.Delay(1500); // what the app waits between the two sessions

        var report = await _bed.Cutover().ResumeAsync(journal);

        Assert.True(report.Paused > TimeSpan.FromSeconds(1.5), report.Paused.ToString());
    }

    [Fact]
    public async Task An_undo_goes_back_from_where_it_stopped_and_leaves_nothing_behind()
    {
        string journal = _bed.NewJournal;
        await Cutover(nameof(FillSegment)).RunAsync(journal);

        var report = await _bed.Cutover().UndoAsync(journal);

        Assert.Equal(CutoverOutcome.BackOnSource, report.Outcome);
        await using var source = await _bed.Host.App.ConnectAsync();
        Assert.True(await source.ScalarAsync<bool>("select to_regnamespace('pgmigration') is null", CancellationToken.None));
        await _bed.WriteAsAppAsync();
    }

    [Fact]
    public async Task To_stop_with_the_app_paused_must_be_said_and_can_then_be_undone()
    {
        string journal = _bed.NewJournal;
        var error = await Assert.ThrowsAsync<MigrationException>(() => Cutover(nameof(DrainLink)).RunAsync(journal));
        Assert.Equal("UntilLeavesAppPaused", error.ErrorId);
        Assert.Contains("-LeaveAppPaused", error.Message, StringComparison.Ordinal);
        await _bed.WriteAsAppAsync();

        string paused = _bed.NewJournal;
        await Cutover(nameof(DrainLink), leavePaused: true).RunAsync(paused);
        await _bed.AssertAppWaitsAsync();

        await _bed.Cutover().UndoAsync(paused);
        await _bed.WriteAsAppAsync();
    }

    [Fact]
    public void A_step_that_the_plan_does_not_have_is_refused_with_those_that_it_has()
    {
        var error = Assert.Throws<MigrationException>(() => CutoverPlan.ForWal().Describe("Fence"));

        Assert.Equal("StepUnknown", error.ErrorId);
        Assert.Contains("FenceSource", error.Message, StringComparison.Ordinal);
        Assert.Equal(nameof(FenceSource), CutoverPlan.ForWal().Describe("fencesource")[^1].Step);
    }

    [Fact]
    public void The_plan_marks_the_promotion_and_the_point_of_no_return_and_names_each_steps_undo()
    {
        var rows = CutoverPlan.ForWal().Describe();

        Assert.Equal([CutoverMark.Promotion, CutoverMark.PointOfNoReturn], rows.Where(row => row.Mark != CutoverMark.None).Select(row => row.Mark));
        Assert.Equal([nameof(PromoteTarget), nameof(OpenTarget)], rows.Where(row => row.Mark != CutoverMark.None).Select(row => row.Step));
        Assert.All(rows, row => Assert.True(row.Effect.Length > 10 && row.Undo.Length > 10));
    }

    [Fact]
    public async Task Another_session_with_a_journal_of_its_own_is_refused_while_one_runs()
    {
        using var journal = CutoverJournal.Create(_bed.NewJournal);
        await using var context = _bed.Context(journal);
        await context.SourceSessionAsync(CancellationToken.None);

        var error = await Assert.ThrowsAsync<MigrationException>(() => _bed.Cutover().RunAsync(_bed.NewJournal));

        Assert.Contains("Another session holds the lock of a cutover", error.Message, StringComparison.Ordinal);
        await _bed.WriteAsAppAsync();
    }

    private Cutover Cutover(string until, bool leavePaused = false)
    {
        var cutover = _bed.Cutover();
        return cutover with { Options = cutover.Options with { Until = until, LeaveAppPaused = leavePaused } };
    }
}
