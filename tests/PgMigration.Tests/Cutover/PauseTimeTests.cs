namespace PgMigration.Tests;

/// <summary>What is said of a cutover from its journal alone: how long the app was paused, and where it runs now.</summary>
public sealed class PauseTimeTests
{
    private static readonly DateTime Start = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private static readonly PgServer Source = PgServer.Parse("postgres://app@old.example.com/shop");
    private static readonly PgServer Target = PgServer.Parse("postgres://app@new.example.com/shop");

    [Fact]
    public void A_pause_that_one_session_began_and_another_ended_counts_from_its_first_begin()
    {
        Assert.Equal(24, Seconds(At(0, CutoverEvent.Begun, nameof(PauseApp)), At(19.2, CutoverEvent.Begun, nameof(PauseApp)), At(24, CutoverEvent.Done, nameof(ResumeApp))));
    }

    [Fact]
    public void Clocks_of_two_machines_are_compared_by_the_targets()
    {
        // the second machine's clock is 100 s behind the first one's
        Assert.Equal(24, Seconds(
            At(-1, CutoverEvent.Learnt, null, clockAhead: 5), At(0, CutoverEvent.Begun, nameof(PauseApp)),
            At(-80, CutoverEvent.Learnt, null, clockAhead: 105), At(-76, CutoverEvent.Done, nameof(ResumeApp))));
    }

    [Fact]
    public void A_clock_that_was_set_back_and_cannot_be_compared_makes_no_negative_pause()
    {
        Assert.Equal(0, Seconds(At(0, CutoverEvent.Begun, nameof(PauseApp)), At(-5, CutoverEvent.Undone, nameof(PauseApp))));
    }

    [Fact]
    public void An_app_that_a_watched_gate_paused_again_was_not_paused_in_between()
    {
        Assert.Equal(5, Seconds(
            At(0, CutoverEvent.Begun, nameof(PauseApp)), At(2, CutoverEvent.Done, nameof(ResumeApp)), At(60, CutoverEvent.Failed, nameof(WatchApp)), At(63, CutoverEvent.Done, nameof(ResumeApp))));
        Assert.Null(PauseTime.Of([At(0, CutoverEvent.Begun, nameof(CheckGates))], nameof(PauseApp), nameof(ResumeApp)));
    }

    [Fact]
    public void Where_the_app_runs_is_told_for_each_place_at_which_a_cutover_may_be_interrupted()
    {
        (string Expected, CutoverEntry[] Entries)[] cases =
        [
            ("Nothing was changed; the app runs on postgres://app@old", []),
            ("The app was not paused, and what was prepared is undone; the app runs on postgres://app@old", [Planned, At(1, CutoverEvent.Begun, nameof(CheckGates)), At(2, CutoverEvent.BackOnSource)]),
            ("Everything is undone; the app runs on postgres://app@old", [Planned, At(1, CutoverEvent.Begun, nameof(PauseApp)), At(2, CutoverEvent.Undone, nameof(PauseApp)), At(2, CutoverEvent.BackOnSource)]),
            ("The app runs on postgres://app@old.example.com:5432/shop; the cutover is not finished", [Planned, At(1, CutoverEvent.Stopped, nameof(FillSegment))]),
            ("The app may be paused and postgres://app@old.example.com:5432/shop fenced. Run Resume-Cutover -Journal 'j' to continue or Undo-Cutover", [Planned, At(1, CutoverEvent.Begun, nameof(PauseApp)), At(2, CutoverEvent.UndoFailed, nameof(FenceSource))]),
            ("The app runs on postgres://app@old.example.com:5432/shop; the cutover is not finished. Run Undo-Cutover -Journal 'j' to finish the undo", [Planned, At(1, CutoverEvent.Begun, nameof(PauseApp)), At(2, CutoverEvent.UndoBegun, nameof(PauseApp)), At(2, CutoverEvent.Undone, nameof(PauseApp)), At(3, CutoverEvent.UndoFailed, nameof(PrepareSource))]),
            ("The app may be paused; postgres://app@new.example.com:5432/shop is the server to use now. Run Resume-Cutover", [Planned, At(1, CutoverEvent.Begun, nameof(PauseApp)), At(2, CutoverEvent.Begun, nameof(OpenTarget))]),
            ("The app runs on postgres://app@new.example.com:5432/shop; the cutover is not finished. Run Resume", [Planned, At(1, CutoverEvent.Begun, nameof(PauseApp)), At(2, CutoverEvent.Begun, nameof(OpenTarget)), At(3, CutoverEvent.Done, nameof(ResumeApp))]),
            ("The app runs on postgres://app@new.example.com:5432/shop.", [Planned, At(1, CutoverEvent.Begun, nameof(PauseApp)), At(3, CutoverEvent.CutOver)]),
        ];

        Assert.All(cases, each => Assert.StartsWith(each.Expected, AppLocation.Describe(each.Entries, "j", Source, Target), StringComparison.Ordinal));
    }

    private static CutoverEntry Planned => new(Start, CutoverEvent.Planned, null, "CheckGates, PauseApp, OpenTarget, RepointApp, ResumeApp", Facts(null));

    private static double Seconds(params CutoverEntry[] entries) => PauseTime.Of(entries, nameof(PauseApp), nameof(ResumeApp))!.Value.TotalSeconds;

    private static CutoverEntry At(double seconds, CutoverEvent what, string? step = null, double? clockAhead = null) =>
        new(Start.AddSeconds(seconds), what, step, null, clockAhead is null ? null : Facts(clockAhead));

    private static CutoverFacts Facts(double? clockAhead) => new() { Id = "x", Source = "s", Target = "t", TargetClockAhead = clockAhead is { } ahead ? TimeSpan.FromSeconds(ahead) : null };
}
