namespace PgMigration.Dms.Tests;

/// <summary>A task from its making to its removal, as a client sees it.</summary>
[Collection(DmsCollection.Name)]
public sealed class TaskLifeTests(DmsBed bed)
{
    [Fact]
    public async Task Rows_of_before_and_after_the_start_arrive_and_a_stopped_task_goes_on_where_it_was()
    {
        using var task = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY, name varchar(20))", "INSERT INTO item SELECT i, 'n' || i FROM generate_series(1, 1000) i");
        await task.RunAsync();
        Assert.Equal(1000, (await task.TableAsync("item")).FullLoadRows);

        await TestPostgres.ExecuteAsync(task.Source, "INSERT INTO item VALUES (1001, 'new')", "UPDATE item SET name = 'changed' WHERE id = 1", "DELETE FROM item WHERE id = 2");
        await task.TargetAsync("SELECT string_agg(id || name, ',' ORDER BY id) FROM item WHERE id IN (1, 2, 1001)", "1changed,1001new");

        await task.StopAsync();
        var stopped = await task.DescribeAsync();
        Assert.Equal("Stop Reason NORMAL", stopped.StopReason);
        Assert.StartsWith("checkpoint:V1#", stopped.RecoveryCheckpoint, StringComparison.Ordinal);
        await TestPostgres.ExecuteAsync(task.Source, "INSERT INTO item VALUES (1002, 'while stopped')");
        await task.StartAsync("resume-processing");
        await task.TargetAsync("SELECT count(*) FROM item WHERE id = 1002", 1L);
        Assert.Equal(1001L, await TestPostgres.QueryAsync<long>(task.Target, "SELECT count(*) FROM item"));

        var table = await task.TableAsync("item");
        Assert.Equal((2L, 1L, 1L), (table.AppliedInserts, table.AppliedUpdates, table.AppliedDeletes));
    }

    [Fact]
    public async Task A_removed_task_leaves_no_slot_and_no_publication_on_the_source()
    {
        using var task = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY)");
        await task.RunAsync();
        Assert.Equal(1L, await TestPostgres.QueryAsync<long>(task.Source, "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"));

        await task.StopAsync();
        await task.Client.DeleteReplicationTaskAsync(new() { ReplicationTaskArn = task.Arn });

        await TestTask.UntilAsync(() => task.Client.ListReplicationTasksAsync(), tasks => tasks.All(other => other.ReplicationTaskArn != task.Arn));
        Assert.Equal(0L, await TestPostgres.QueryAsync<long>(task.Source,
            "SELECT (SELECT count(*) FROM pg_replication_slots WHERE database = current_database()) + (SELECT count(*) FROM pg_publication)"));
    }
}
