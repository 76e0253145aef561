using PgMigration.DmsModel;

namespace PgMigration.Tests;

public sealed class DmsTaskReportTests
{
    [Theory]
    [InlineData("Table error")]
    [InlineData("Table does not exist")]
    public void A_task_that_runs_with_a_table_in_error_has_failed_and_names_it(string state)
    {
        var report = Report("running", Table("good", "Table completed"), Table("bad", state));

        Assert.Equal("Failed", report.State);
        Assert.Equal(["public.bad"], report.TablesInError);
        Assert.Contains("public.bad", report.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_task_follows_when_every_table_is_loaded_and_loads_while_one_is_not()
    {
        Assert.Equal("Following", Report("running", Table("a", "Table completed"), Table("b", "Table completed")).State);
        Assert.Equal("Loading", Report("running", Table("a", "Table completed"), Table("b", "Full load")).State);
        Assert.Equal("Loading", Report("running", Table("a", "Table is being reloaded")).State);
    }

    [Theory]
    [InlineData("Stop Reason NORMAL", "Stopped")]
    [InlineData("Stop Reason FATAL_ERROR", "Failed")]
    [InlineData("Stop Reason RECOVERABLE_ERROR", "Failed")]
    public void A_task_that_stopped_by_itself_has_failed(string reason, string state) =>
        Assert.Equal(state, DmsTaskReport.Of(new ReplicationTask { ReplicationTaskIdentifier = "t", Status = "stopped", StopReason = reason }, []).State);

    private static DmsTableReport Table(string name, string state) => DmsTableReport.Of(new TableStatistics { SchemaName = "public", TableName = name, TableState = state });

    private static DmsTaskReport Report(string status, params DmsTableReport[] tables) => DmsTaskReport.Of(new ReplicationTask { ReplicationTaskIdentifier = "t", Status = status }, tables);
}
