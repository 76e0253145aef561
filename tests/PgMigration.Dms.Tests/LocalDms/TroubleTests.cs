namespace PgMigration.Dms.Tests;

/// <summary>What goes wrong ends in a clear state, and there is a way on.</summary>
[Collection(DmsCollection.Name)]
public sealed class TroubleTests(DmsBed bed)
{
    private const string Item = "CREATE TABLE item (id int PRIMARY KEY, name varchar(20), CHECK (name <> 'refused'))";

    [Theory]
    [InlineData("LOG_ERROR", "1new,2two,4four", 2)]
    [InlineData("IGNORE_RECORD", "1new,2two,4four", 0)]
    public async Task A_row_that_the_target_refuses_is_skipped_while_the_task_says_running(string policy, string rows, long exceptions)
    {
        using var task = await StartWithTargetTableAsync(task => task.With("ErrorBehavior", "ApplyErrorInsertPolicy", policy).With("ErrorBehavior", "ApplyErrorUpdatePolicy", policy));
        await TestPostgres.ExecuteAsync(task.Source, "BEGIN; UPDATE item SET name = 'new' WHERE id = 1; INSERT INTO item VALUES (3, 'refused'); UPDATE item SET name = 'refused' WHERE id = 2; INSERT INTO item VALUES (4, 'four'); COMMIT");

        await task.TargetAsync("SELECT string_agg(id || name, ',' ORDER BY id) FROM item", rows);
        Assert.Equal(exceptions, await TestPostgres.QueryAsync<long>(task.Target, """SELECT count(*) FROM awsdms_apply_exceptions WHERE "STATEMENT" LIKE '%refused%' AND "ERROR" LIKE '23514%'"""));
        Assert.Equal("running", (await task.DescribeAsync()).Status);
    }

    [Fact]
    public async Task A_row_that_the_target_refuses_ends_the_task_where_the_policy_says_so_and_it_goes_on_once_that_is_mended()
    {
        using var task = await StartWithTargetTableAsync(task => task.With("ErrorBehavior", "ApplyErrorInsertPolicy", "STOP_TASK"));
        await TestPostgres.ExecuteAsync(task.Source, "BEGIN; INSERT INTO item VALUES (3, 'three'); INSERT INTO item VALUES (4, 'refused'); COMMIT");

        var failed = await task.StatusAsync("failed");
        Assert.Equal("Stop Reason FATAL_ERROR", failed.StopReason);
        Assert.Contains("public.item", failed.LastFailureMessage, StringComparison.Ordinal);
        Assert.Equal(2L, await TestPostgres.QueryAsync<long>(task.Target, "SELECT count(*) FROM item"));

        await TestPostgres.ExecuteAsync(task.Target, "ALTER TABLE item DROP CONSTRAINT item_name_check");
        await task.StartAsync("resume-processing");
        await task.TargetAsync("SELECT count(*) FROM item", 4L);
    }

    [Fact]
    public async Task An_update_of_a_row_that_is_not_there_is_an_exception_and_a_deletion_is_not()
    {
        using var task = await StartWithTargetTableAsync(_ => { });
        await TestPostgres.ExecuteAsync(task.Target, "DELETE FROM item");
        await TestPostgres.ExecuteAsync(task.Source, "UPDATE item SET name = 'gone' WHERE id = 1", "DELETE FROM item WHERE id = 2", "INSERT INTO item VALUES (5, 'five')");

        await task.TargetAsync("SELECT coalesce(string_agg(id || name, ','), '') FROM item", "5five");
        Assert.Equal("0 rows affected", await TestPostgres.QueryAsync<string>(task.Target, """SELECT string_agg("ERROR", ',') FROM awsdms_apply_exceptions"""));
    }

    [Fact]
    public async Task Policies_can_turn_an_insertion_into_an_update_and_an_update_into_an_insertion()
    {
        using var task = await StartWithTargetTableAsync(task => task.With("ErrorBehavior", "ApplyErrorInsertPolicy", "UPDATE_RECORD").With("ErrorBehavior", "ApplyErrorUpdatePolicy", "INSERT_RECORD"));
        await TestPostgres.ExecuteAsync(task.Target, "DELETE FROM item WHERE id = 1", "INSERT INTO item VALUES (9, 'there')");
        await TestPostgres.ExecuteAsync(task.Source, "UPDATE item SET name = 'came' WHERE id = 1", "INSERT INTO item VALUES (9, 'nine')", "INSERT INTO item VALUES (10, 'ten')");

        await task.TargetAsync("SELECT string_agg(id || name, ',' ORDER BY id) FROM item", "1came,2two,9nine,10ten");
    }

    [Fact]
    public async Task A_table_that_the_target_lost_is_in_error_and_the_others_go_on_and_a_reload_brings_it_back()
    {
        using var task = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY)", "CREATE TABLE other (id int PRIMARY KEY)");
        await task.RunAsync();
        await TestPostgres.ExecuteAsync(task.Target, "DROP TABLE item");
        await TestPostgres.ExecuteAsync(task.Source, "INSERT INTO item VALUES (1)", "INSERT INTO other VALUES (1)", "INSERT INTO item VALUES (2)");

        await TestTask.UntilAsync(() => task.TableAsync("item"), table => table.TableState == "Table error");
        await task.TargetAsync("SELECT count(*) FROM other", 1L);
        await task.Client.ReloadTablesAsync(new() { ReplicationTaskArn = task.Arn, TablesToReload = [new() { SchemaName = "public", TableName = "item" }] });

        await TestTask.UntilAsync(() => task.TableAsync("item"), table => table is { TableState: "Table completed", FullLoadReloaded: true });
        await TestPostgres.ExecuteAsync(task.Source, "INSERT INTO item VALUES (3)");
        await task.TargetAsync("SELECT count(*) FROM item", 3L);
    }

    [Fact]
    public async Task A_slot_that_was_dropped_fails_the_task_by_name_and_reload_target_begins_anew()
    {
        using var task = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY)", "INSERT INTO item VALUES (1)");
        await task.RunAsync();
        await task.StopAsync();
        await TestPostgres.ExecuteAsync(task.Source, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()", "INSERT INTO item VALUES (2)");
        await task.StartAsync("resume-processing");

        var failed = await task.StatusAsync("failed");
        Assert.Contains("does not exist", failed.LastFailureMessage, StringComparison.Ordinal);
        Assert.Contains("cannot be read any more", failed.LastFailureMessage, StringComparison.Ordinal);
        Assert.Equal("Stop Reason FATAL_ERROR", failed.StopReason);

        await task.StartAsync("reload-target");
        await task.LoadedAsync();
        await TestPostgres.ExecuteAsync(task.Source, "INSERT INTO item VALUES (3)");
        await task.TargetAsync("SELECT count(*) FROM item", 3L);
    }

    [Fact]
    public async Task A_target_that_is_down_for_a_while_is_tried_again_until_it_is_back()
    {
        await using var own = await TestPostgres.StartAsync([]);
        using var task = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY)", "INSERT INTO item VALUES (1)");
        using var elsewhere = new TestTask(task.Source.Database + "own", task.Source, own.Server, bed.Dms, bed.InstanceArn);
        await elsewhere.RunAsync();
        await own.Local.StopAsync("immediate");
        await TestPostgres.ExecuteAsync(task.Source, "INSERT INTO item VALUES (2)");
        var seen = await TestTask.UntilAsync(elsewhere.DescribeAsync, described => described.LastFailureMessage is not null);
        Assert.Equal("running", seen.Status);

        await own.Local.StartAsync();
        await elsewhere.TargetAsync("SELECT count(*) FROM item", 2L);
        await elsewhere.StopAsync();
    }

    [Fact]
    public async Task A_task_whose_retries_are_counted_fails_when_they_are_used_up()
    {
        await using var own = await TestPostgres.StartAsync([]);
        using var task = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY)");
        using var elsewhere = new TestTask(task.Source.Database + "own", task.Source, own.Server, bed.Dms, bed.InstanceArn).With("ErrorBehavior", "RecoverableErrorCount", 2);
        await elsewhere.RunAsync();
        await own.Local.StopAsync("immediate");
        await TestPostgres.ExecuteAsync(task.Source, "INSERT INTO item VALUES (1)"); // a task with nothing to apply does not miss its target

        var failed = await elsewhere.StatusAsync("failed");
        Assert.Equal("Stop Reason RECOVERABLE_ERROR", failed.StopReason);
        Assert.Contains("2 retries", failed.LastFailureMessage, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ROLLBACK")]
    [InlineData("PREPARE TRANSACTION 'left open'")]
    public async Task A_transaction_that_is_left_open_on_the_source_delays_the_start_and_a_task_that_waits_for_it_can_be_removed(string end)
    {
        using var task = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY)");
        await using var writer = await task.Source.ConnectAsync();
        await RunAsync("BEGIN; INSERT INTO item VALUES (1)");
        if (end != "ROLLBACK")
        {
            await RunAsync(end);
        }

        await task.CreateAsync();
        await task.StartAsync();
        await TestTask.UntilAsync(() => TestPostgres.QueryAsync<long>(task.Source, "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"), slots => slots == 1);
        Assert.Equal("Before load", (await task.TableAsync("item")).TableState);
        await task.StopAsync();
        await task.Client.DeleteReplicationTaskAsync(new() { ReplicationTaskArn = task.Arn });
        await TestTask.UntilAsync(() => task.Client.ListReplicationTasksAsync(), tasks => tasks.All(other => other.ReplicationTaskArn != task.Arn));

        await RunAsync(end == "ROLLBACK" ? end : "ROLLBACK PREPARED 'left open'");
        Assert.Equal(0L, await TestPostgres.QueryAsync<long>(task.Source, "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"));

        async Task RunAsync(string sql)
        {
            await using var command = new Npgsql.NpgsqlCommand(sql, writer);
            await command.ExecuteNonQueryAsync();
        }
    }

    [Fact]
    public async Task Source_and_target_may_be_two_databases_of_one_server()
    {
        using var task = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY)", "INSERT INTO item VALUES (1)");
        using var other = await bed.NewTaskAsync();
        using var within = new TestTask(task.Source.Database + "within", task.Source, other.Source, bed.Dms, bed.InstanceArn);
        await within.RunAsync();
        await TestPostgres.ExecuteAsync(task.Source, "INSERT INTO item VALUES (2)");

        await within.TargetAsync("SELECT count(*) FROM item", 2L);
        Assert.Null((await within.DescribeAsync()).LastFailureMessage);
    }

    [Fact]
    public async Task A_task_without_tables_fails_at_once()
    {
        using var task = await bed.NewTaskAsync();
        await task.CreateAsync();
        await task.StartAsync();

        Assert.StartsWith("No tables were found", (await task.StatusAsync("failed")).LastFailureMessage, StringComparison.Ordinal);
    }

    private async Task<TestTask> StartWithTargetTableAsync(Action<TestTask> settings)
    {
        var task = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY, name varchar(20))", "INSERT INTO item VALUES (1, 'one'), (2, 'two')");
        await TestPostgres.ExecuteAsync(task.Target, Item);
        task.With("FullLoadSettings", "TargetTablePrepMode", "TRUNCATE_BEFORE_LOAD");
        settings(task);
        await task.RunAsync();
        return task;
    }
}
