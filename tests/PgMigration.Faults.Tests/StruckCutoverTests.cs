namespace PgMigration.Faults.Tests;

/// <summary>The runs that every build does; <c>build.ps1 Faults -Runs 200</c> does more. A seed that fails is replayed alone: <c>build.ps1 Faults -Runs 1 -Seed n</c>.</summary>
public sealed class StruckCutoverTests(FaultBeds beds) : IClassFixture<FaultBeds>
{
    [Theory]
    [InlineData(22)]
    [InlineData(23)]
    [InlineData(25)]
    [InlineData(5)]
    [InlineData(28)]
    [InlineData(7)]
    [InlineData(9)]
    [InlineData(32)]
    [InlineData(11)]
    [InlineData(36)]
    [InlineData(13)]
    [InlineData(15)]
    [InlineData(39)]
    [InlineData(19)]
    [InlineData(42)]
    public async Task A_cutover_that_is_struck_ends_at_one_of_its_two_ends_and_nothing_is_lost_or_doubled(int seed)
    {
        var result = await beds.RunAsync(Scenario.Of(seed));

        Assert.True(result.Passed, $"{string.Join('\n', result.Lost.Concat(result.Doubled).Concat(result.SplitBrain).Concat(result.Stuck).Take(20))}\n{string.Join('\n', result.Log)}");
        Assert.True(result.Commits > 0);
    }
}
