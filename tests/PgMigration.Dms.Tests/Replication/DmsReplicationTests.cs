namespace PgMigration.Dms.Tests;

/// <summary>A replication as its user sees it, against a DMS that really moves rows.</summary>
[Collection(DmsCollection.Name)]
public sealed class DmsReplicationTests(DmsBed bed)
{
    [Fact]
    public async Task What_is_missing_is_made_rows_of_before_and_after_arrive_and_the_lag_is_measured_from_end_to_end()
    {
        await using var shop = await Shop.OpenAsync(bed);

        var link = await shop.FollowAsync();
        await TestPostgres.ExecuteAsync(shop.Source, "INSERT INTO orders (customer, total) VALUES (1, 1)", "UPDATE customers SET name = 'changed' WHERE id = 7");
        var lag = await LagWait.UntilAsync(link, LagLimit.OfTime(TimeSpan.FromSeconds(1)), TimeSpan.FromSeconds(60), IMigrationObserver.None);

        // the beat that arrived was written behind those two commits, and so they are there
        Assert.Equal((LinkState.Following, null), (lag.State, lag.Detail));
        Assert.Equal(2001, await Shop.CountAsync(shop.Target, "orders"));
        Assert.Equal("changed", await TestPostgres.QueryAsync<string>(shop.Target, "SELECT name FROM customers WHERE id = 7"));
        Assert.InRange(lag.Bytes!.Value, 0, 1 << 20);
        Assert.NotNull(lag.HeldBytes);
        var report = Assert.Single(await DmsReplication.ReportAsync(link));
        Assert.True(report.IsFollowing, report.Detail);
        Assert.Equal(["pgmigration.dms_" + shop.Options.Name + "-1", "public.customers", "public.orders"], report.Tables.Select(table => table.Table).Order());
        Assert.Equal(2000, report.Tables.Single(table => table.Table == "public.orders").LoadedRows);
    }

    [Fact]
    public async Task Tasks_share_the_tables_and_a_second_start_resumes_those_that_were_stopped()
    {
        await using var shop = await Shop.OpenAsync(bed);
        shop.Options = shop.Options with { TaskCount = 2 };
        var link = await shop.FollowAsync();
        Assert.Equal(2, link.Tasks.Count);

        await DmsReplication.StopAsync(link, TimeSpan.FromSeconds(60), IMigrationObserver.None);
        Assert.Equal(LinkState.Stopped, (await link.MeasureLagAsync()).State);
        await TestPostgres.ExecuteAsync(shop.Source, "INSERT INTO customers (name) VALUES ('while stopped')", "INSERT INTO orders (customer, total) VALUES (301, 5)");
        await shop.FollowAsync();

        Assert.Equal(301, await Shop.CountAsync(shop.Target, "customers"));
        Assert.Equal(2001, await Shop.CountAsync(shop.Target, "orders"));
    }

    [Fact]
    public async Task The_link_is_found_from_the_two_servers_alone()
    {
        await using var shop = await Shop.OpenAsync(bed);
        var link = await shop.FollowAsync();

        var found = Assert.IsType<DmsLink>(await LinkSearch.FindAsync(shop.Source, shop.Target));

        Assert.Equal(link.TaskArns, found.TaskArns);
        Assert.Equal((bed.Dms.Access.Endpoint!.AbsoluteUri, link.SourceLogin), (found.EndpointUrl, found.SourceLogin));
        Assert.Equal(LinkState.Following, (await found.WithAccess(bed.Dms.Access).MeasureLagAsync()).State);
    }

    [Fact]
    public async Task A_removed_replication_leaves_nothing_of_its_own_on_either_server_or_in_DMS_and_says_what_went()
    {
        await using var shop = await Shop.OpenAsync(bed);
        var link = await shop.FollowAsync();

        var removed = await DmsRemoval.RemoveAsync(link, TimeSpan.FromSeconds(60), IMigrationObserver.None);

        const string Leftovers = """
            (SELECT slot_name::text FROM pg_replication_slots WHERE database = current_database() UNION ALL SELECT pubname FROM pg_publication UNION ALL SELECT evtname FROM pg_event_trigger
             UNION ALL SELECT relname FROM pg_class WHERE relname ~ 'awsdms|^dms_' UNION ALL SELECT nspname FROM pg_namespace WHERE nspname = 'pgmigration') l
            """;
        Assert.Equal(0, await Shop.CountAsync(shop.Source, Leftovers));
        Assert.Equal(0, await Shop.CountAsync(shop.Target, Leftovers));
        Assert.Equal(2000, await Shop.CountAsync(shop.Target, "orders"));
        Assert.Contains(removed, item => item is { What: "Task", Removed: true } && item.Name == link.TaskNames[0]);
        Assert.Equal(2, removed.Count(item => item is { What: "Endpoint", Removed: true }));
        Assert.Contains(removed, item => item is { What: "Instance", Name: "shared", Removed: false });
        Assert.DoesNotContain(removed, item => !item.Removed && item.What != "Instance");
    }

    [Fact]
    public async Task A_connection_that_DMS_cannot_make_is_an_error_with_what_it_saw()
    {
        await using var shop = await Shop.OpenAsync(bed);
        shop.Options = shop.Options with { SourceForDms = new PgServer("127.0.0.1", TestPostgres.FreePort(), shop.Source.Database, "postgres") };

        var error = await Assert.ThrowsAsync<MigrationException>(shop.StartAsync);

        Assert.Equal("DmsConnectionFailed", error.ErrorId);
        Assert.Contains("-SourceForDms", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_that_cannot_be_applied_stops_the_task_and_the_link_is_broken_rather_than_behind()
    {
        await using var shop = await Shop.OpenAsync(bed);
        var link = await shop.FollowAsync();

        await TestPostgres.ExecuteAsync(shop.Target, "INSERT INTO customers (id, name) VALUES (9000, 'an intruder')");
        await TestPostgres.ExecuteAsync(shop.Source, "INSERT INTO customers (id, name) VALUES (9000, 'ours')");

        var error = await Assert.ThrowsAsync<MigrationException>(() => LagWait.UntilAsync(link, LagLimit.OfBytes(0), TimeSpan.FromSeconds(60), IMigrationObserver.None));
        Assert.Equal("LinkBroken", error.ErrorId);
        Assert.Contains(link.TaskNames[0], error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Throttling_in_the_middle_of_a_start_changes_nothing()
    {
        await using var own = await OwnDms.StartAsync("*=ThrottlingException*2");
        await using var shop = await Shop.OpenAsync(bed);
        shop.Options = shop.Options with { ReplicationInstance = null };

        var link = await DmsReplication.StartAsync(own.Server.Access, shop.Source, shop.Target, shop.Options, IMigrationObserver.None);
        await LagWait.UntilAsync(link, LagLimit.OfTime(TimeSpan.FromSeconds(5)), TimeSpan.FromSeconds(60), IMigrationObserver.None);
        var removed = await DmsRemoval.RemoveAsync(link, TimeSpan.FromSeconds(60), IMigrationObserver.None);

        Assert.Contains(removed, item => item is { What: "Instance", Removed: true });
    }

    [Fact]
    public async Task A_DMS_that_is_killed_while_rows_flow_goes_on_when_it_is_started_again_and_doubles_none()
    {
        await using var own = await OwnDms.StartAsync();
        await using var shop = await Shop.OpenAsync(bed);
        shop.Options = shop.Options with { ReplicationInstance = null };
        var link = await DmsReplication.StartAsync(own.Server.Access, shop.Source, shop.Target, shop.Options, IMigrationObserver.None);
        await LagWait.UntilAsync(link, LagLimit.OfTime(TimeSpan.FromSeconds(5)), TimeSpan.FromSeconds(60), IMigrationObserver.None);

        await own.KillAsync();
        await TestPostgres.ExecuteAsync(shop.Source, "INSERT INTO orders (customer, total) SELECT 1, 1 FROM generate_series(1, 500)");
        var lag = await link.MeasureLagAsync();
        Assert.Contains("DMS cannot be asked", lag.Detail, StringComparison.Ordinal);
        Assert.NotEqual(LinkState.Following, lag.State);

        link = link.WithAccess(await own.StartAgainAsync());
        await LagWait.UntilAsync(link, LagLimit.OfTime(TimeSpan.FromSeconds(1)), TimeSpan.FromSeconds(60), IMigrationObserver.None);
        Assert.Equal(2500, await Shop.CountAsync(shop.Target, "orders"));
        await DmsRemoval.RemoveAsync(link, TimeSpan.FromSeconds(60), IMigrationObserver.None);
    }

    [Fact]
    public async Task A_slot_that_somebody_drops_breaks_the_link_and_the_way_on_is_named()
    {
        await using var shop = await Shop.OpenAsync(bed);
        var link = await shop.FollowAsync();

        await DmsReplication.StopAsync(link, TimeSpan.FromSeconds(60), IMigrationObserver.None);
        await TestPostgres.ExecuteAsync(shop.Source, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()");
        var lag = await link.MeasureLagAsync();

        Assert.Equal(LinkState.Broken, lag.State);
        Assert.Contains("is gone", lag.Detail, StringComparison.Ordinal);
        Assert.Contains("Remove-PgDmsReplication", lag.Detail, StringComparison.Ordinal);

        await Assert.ThrowsAsync<MigrationException>(async () => await LagWait.UntilAsync(await shop.StartAsync(), LagLimit.OfTime(TimeSpan.FromSeconds(1)), TimeSpan.FromSeconds(60), IMigrationObserver.None));
        string detail = (await TestTask.UntilAsync(() => DmsReplication.ReportAsync(link), reports => reports[0].Status == "failed"))[0].Detail!;
        Assert.EndsWith(DmsTaskReport.SlotLost, detail, StringComparison.Ordinal);
        Assert.DoesNotContain("goes on with it", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_target_that_is_down_is_no_error_but_a_state()
    {
        await using var shop = await Shop.OpenAsync(bed);
        var link = await shop.FollowAsync();

        var lag = await link.WithTarget(shop.Target.WithHost("127.0.0.1", TestPostgres.FreePort())).MeasureLagAsync();

        Assert.Equal(LinkState.Stalled, lag.State);
        Assert.Contains("The target cannot be asked", lag.Detail, StringComparison.Ordinal);
    }
}
