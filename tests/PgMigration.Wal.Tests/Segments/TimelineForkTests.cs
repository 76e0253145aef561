namespace PgMigration.Wal;

public sealed class TimelineForkTests
{
    private static readonly TimelineFork[] Forks = [new(2, 1, "0/3000000"), new(4, 2, "0/5000000"), new(5, 1, "0/2000000")];

    [Theory]
    [InlineData(1, 2, "0/3000000")]
    [InlineData(1, 4, "0/3000000")] // by way of 2: the earlier fork counts
    [InlineData(2, 4, "0/5000000")]
    [InlineData(1, 5, "0/2000000")]
    public void The_earliest_fork_on_the_way_ends_the_common_past(uint ancestor, uint timeline, string expected) =>
        Assert.Equal(Lsn.Parse(expected), TimelineFork.Between(Forks, ancestor, timeline));

    [Theory]
    [InlineData(2, 5)] // siblings
    [InlineData(3, 4)] // unknown
    [InlineData(1, 9)]
    public void Where_no_way_is_known_nothing_is_claimed(uint ancestor, uint timeline) => Assert.Null(TimelineFork.Between(Forks, ancestor, timeline));
}
