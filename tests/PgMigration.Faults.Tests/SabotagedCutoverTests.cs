namespace PgMigration.Faults.Tests;

/// <summary>Plans that are wrong on purpose: a harness that does not see them proves nothing by its silence.</summary>
public sealed class SabotagedCutoverTests(FaultBeds beds) : IClassFixture<FaultBeds>
{
    // Somebody writes to the source throughout; else nothing happens to the cutover.
    private static readonly Scenario Quiet = Scenario.Of(0) with
    {
        Kind = FaultKind.RogueWriters, Step = nameof(CheckGates), Boundary = "before", Duration = TimeSpan.FromSeconds(4), Second = null, TriesAgain = false, SegmentMegabytes = 16,
        AliveLimit = TimeSpan.FromSeconds(10),
    };

    [Fact]
    public async Task Without_a_fence_commits_are_seen_to_be_lost_and_both_servers_to_take_writes()
    {
        var result = await beds.RunAsync(Quiet, "no-fence");

        Assert.NotEmpty(result.Lost);
        Assert.NotEmpty(result.SplitBrain);
    }

    [Fact]
    public async Task Without_draining_commits_are_seen_to_be_lost() => Assert.NotEmpty((await beds.RunAsync(Quiet, "no-drain")).Lost);

    [Fact]
    public async Task A_sequence_that_was_moved_back_is_seen_to_hand_out_ids_twice() => Assert.NotEmpty((await beds.RunAsync(Quiet, "old-ids")).Doubled);

    [Fact]
    public async Task A_source_that_is_opened_again_is_seen_to_be_a_second_server() => Assert.NotEmpty((await beds.RunAsync(Quiet, "two-open")).SplitBrain);

    [Fact]
    public async Task An_undo_that_leaves_the_fence_is_seen_to_leave_the_app_stuck()
    {
        var result = await beds.RunAsync(Quiet with { Kind = FaultKind.SessionInterrupted, Step = nameof(DrainLink), AliveLimit = TimeSpan.FromSeconds(2) }, "undo-keeps-fence");

        Assert.Equal(CutoverOutcome.BackOnSource, result.End);
        Assert.Contains(result.Stuck, what => what.Contains("rights and settings", StringComparison.Ordinal));
        Assert.Contains(result.Stuck, what => what.Contains("had no commit", StringComparison.Ordinal));
    }
}
