using System.Globalization;

namespace PgMigration.Dms.Tests;

/// <summary>Tasks that stop by themselves, and what their kind forbids.</summary>
[Collection(DmsCollection.Name)]
public sealed class StopTests(DmsBed bed)
{
    [Fact]
    public async Task A_task_that_only_loads_stops_when_all_is_loaded()
    {
        using var task = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY)", "INSERT INTO item VALUES (1)");
        task.MigrationType = "full-load";
        await task.CreateAsync();
        await task.StartAsync();

        var stopped = await task.StatusAsync("stopped");
        Assert.Equal(("Stop Reason FULL_LOAD_ONLY_FINISHED", 100), (stopped.StopReason, stopped.ReplicationTaskStats!.FullLoadProgressPercent));
        Assert.Equal(0L, await TestPostgres.QueryAsync<long>(task.Source, "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"));
        Assert.Equal(1L, await TestPostgres.QueryAsync<long>(task.Target, "SELECT count(*) FROM item"));
    }

    [Theory]
    [InlineData("StopTaskCachedChangesApplied", "Stop Reason STOPPED_AFTER_CACHED_EVENTS")]
    [InlineData("StopTaskCachedChangesNotApplied", "Stop Reason STOPPED_AFTER_FULL_LOAD")]
    public async Task A_task_stops_after_the_load_so_that_indexes_can_be_built_and_then_goes_on(string setting, string reason)
    {
        using var task = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY)", "INSERT INTO item VALUES (1)");
        task.With("FullLoadSettings", setting, true);
        await task.CreateAsync();
        await task.StartAsync();

        Assert.Equal(reason, (await task.StatusAsync("stopped")).StopReason);
        await TestPostgres.ExecuteAsync(task.Source, "INSERT INTO item VALUES (2)");
        await task.StartAsync("resume-processing");
        await task.TargetAsync("SELECT count(*) FROM item", 2L);
        Assert.Equal("running", (await task.DescribeAsync()).Status);
    }

    [Theory]
    [InlineData("server_time")]
    [InlineData("commit_time")]
    public async Task A_task_stops_at_its_position_in_time_and_what_was_committed_before_has_arrived(string kind)
    {
        using var task = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY)");
        var time = DateTime.UtcNow.AddSeconds(12); // a busy machine takes some of them to start the task
        task.StopPosition = $"{kind}:{time.ToString("yyyy-MM-ddTHH:mm:ss.fff", CultureInfo.InvariantCulture)}";
        await task.RunAsync();
        await TestPostgres.ExecuteAsync(task.Source, "INSERT INTO item VALUES (1)");

        var stopped = await task.StatusAsync("stopped");
        Assert.Equal($"Stop Reason STOPPED_AT_{kind.ToUpperInvariant()}", stopped.StopReason);
        Assert.Equal(1L, await TestPostgres.QueryAsync<long>(task.Target, "SELECT count(*) FROM item"));
    }

    [Fact]
    public async Task What_a_state_forbids_is_answered_with_its_fault()
    {
        using var task = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY)");
        await task.CreateAsync();

        await RefusedAsync("DmsInvalidResourceState", task.StopAsync);
        await RefusedAsync("DmsInvalidParameterCombination", () => task.StartAsync("resume-processing"));
        await RefusedAsync("DmsInvalidResourceState", () => task.Client.ReloadTablesAsync(new() { ReplicationTaskArn = task.Arn, TablesToReload = [new() { SchemaName = "public", TableName = "item" }] }));
        await task.StartAsync();
        await RefusedAsync("DmsInvalidResourceState", () => task.StartAsync("resume-processing"));
        await task.LoadedAsync();
        await RefusedAsync("DmsInvalidResourceState", () => task.Client.ModifyReplicationTaskAsync(new() { ReplicationTaskArn = task.Arn, CdcStopPosition = "server_time:2030-01-01T00:00:00" }));
        await RefusedAsync("DmsInvalidResourceState", () => task.Client.DeleteReplicationTaskAsync(new() { ReplicationTaskArn = task.Arn }));
        var described = await task.DescribeAsync();
        await RefusedAsync("DmsInvalidResourceState", () => task.Client.DeleteEndpointAsync(new() { EndpointArn = described.SourceEndpointArn! }));
        await RefusedAsync("DmsInvalidResourceState", () => task.Client.DeleteReplicationInstanceAsync(new() { ReplicationInstanceArn = described.ReplicationInstanceArn! }));
        await RefusedAsync("DmsResourceNotFound", () => task.Client.ReloadTablesAsync(new() { ReplicationTaskArn = task.Arn, TablesToReload = [new() { SchemaName = "public", TableName = "none" }] }));
        await RefusedAsync("DmsResourceNotFound", () => task.Client.StopReplicationTaskAsync(new() { ReplicationTaskArn = task.Arn + "X" }));
        await task.StopAsync();
        await RefusedAsync("DmsInvalidParameterCombination", () => task.StartAsync("start-replication"));
        await task.Client.ModifyReplicationTaskAsync(new() { ReplicationTaskArn = task.Arn, ReplicationTaskSettings = """{"ValidationSettings":{"EnableValidation":true}}""" });
        await task.StatusAsync("stopped");
        Assert.Contains("\"EnableValidation\":true", (await task.DescribeAsync()).ReplicationTaskSettings, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_that_are_taken_or_not_allowed_are_refused()
    {
        using var client = new DmsClient(bed.Dms.Access);

        await RefusedAsync("DmsResourceAlreadyExists", () => client.CreateReplicationInstanceAsync(new() { ReplicationInstanceIdentifier = "SHARED", ReplicationInstanceClass = "dms.t3.medium" }));
        await RefusedAsync("DmsInvalidParameterValue", () => client.CreateReplicationInstanceAsync(new() { ReplicationInstanceIdentifier = "two--hyphens", ReplicationInstanceClass = "dms.t3.medium" }));
        await RefusedAsync("DmsInvalidParameterValue", () => client.DescribeEndpointsAsync(new() { MaxRecords = 5 }));
    }

    private static async Task RefusedAsync(string id, Func<Task> ask) => Assert.Equal(id, (await Assert.ThrowsAsync<MigrationException>(ask)).ErrorId);
}
