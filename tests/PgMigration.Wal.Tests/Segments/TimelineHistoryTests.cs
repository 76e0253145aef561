namespace PgMigration.Wal;

public sealed class TimelineHistoryTests
{
    // as PostgreSQL 15 wrote it after two promotions
    private const string Text = "1\t0/3000158\tno recovery target specified\n\n2\t0/5000098\tno recovery target specified\n";

    [Fact]
    public void A_position_tells_its_timeline()
    {
        var history = TimelineHistory.Parse(3, Text);

        Assert.Equal(1u, history.TimelineAt(Lsn.Parse("0/3000157")));
        Assert.Equal(2u, history.TimelineAt(Lsn.Parse("0/3000158")));
        Assert.Equal(2u, history.TimelineAt(Lsn.Parse("0/5000097")));
        Assert.Equal(3u, history.TimelineAt(Lsn.Parse("0/5000098")));
    }

    [Fact]
    public void Another_timelines_log_is_contained_up_to_where_it_was_left()
    {
        var history = TimelineHistory.Parse(3, Text);

        Assert.True(history.Contains(1, Lsn.Parse("0/3000158")));
        Assert.False(history.Contains(1, Lsn.Parse("0/3000159")));
        Assert.True(history.Contains(3, Lsn.Parse("FF/0")));
        Assert.False(history.Contains(4, Lsn.Parse("0/1")));
        Assert.True(history.Includes(2));
        Assert.False(history.Includes(4));
    }

    [Fact]
    public void Comments_and_other_line_ends_are_read() =>
        Assert.Equal([(1u, Lsn.Parse("0/3000158"))], TimelineHistory.Parse(2, "# a comment\r\n1\t0/3000158\tbefore 2026-08-01 02:00:00+00\r\n").Ancestors);

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("x\t0/1\treason")]
    [InlineData("1\tnonsense\treason")]
    [InlineData("3\t0/1\treason")]
    [InlineData("2\t0/1\treason\n1\t0/2\treason")]
    public void A_damaged_file_is_refused(string text)
    {
        var error = Assert.Throws<MigrationException>(() => TimelineHistory.Parse(3, text));
        Assert.Equal("HistoryInvalid", error.ErrorId);
        Assert.Contains("00000003.history", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("00000002.history", true)]
    [InlineData("0000000A.history", true)]
    [InlineData("0000000g.history", false)]
    [InlineData("000000020.history", false)]
    [InlineData("00000002.history.lz4", false)]
    public void A_history_file_is_known_by_its_name(string name, bool isOne) => Assert.Equal(isOne, TimelineHistory.TryParseFileName(name, out _));
}
