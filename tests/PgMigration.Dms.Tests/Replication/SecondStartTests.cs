namespace PgMigration.Dms.Tests;

/// <summary>A start that is run again: after a stop, with what was wrong at the first time, and where it must not be.</summary>
[Collection(DmsCollection.Name)]
public sealed class SecondStartTests(DmsBed bed)
{
    [Fact]
    public async Task A_link_that_was_stopped_goes_on_also_where_every_slot_is_taken()
    {
        await using var shop = await Shop.OpenAsync(bed);
        var link = await shop.FollowAsync();
        await DmsReplication.StopAsync(link, TimeSpan.FromSeconds(60), IMigrationObserver.None);
        await TestPostgres.ExecuteAsync(shop.Source, """
            DO $$ BEGIN FOR i IN 1 .. current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots) LOOP PERFORM pg_create_physical_replication_slot('taken_' || i); END LOOP; END $$
            """);
        try
        {
            await shop.FollowAsync();

            Assert.DoesNotContain(await Readiness.ReadAsync(shop.Source), finding => finding.Name == "NoSlotFree");
        }
        finally
        {
            await TestPostgres.ExecuteAsync(shop.Source, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name LIKE 'taken\\_%'");
        }
    }

    [Fact]
    public async Task A_source_that_the_app_was_moved_away_from_is_not_copied_over_the_live_target()
    {
        await using var shop = await Shop.OpenAsync(bed);
        var link = await shop.FollowAsync();
        await DmsReplication.StopAsync(link, TimeSpan.FromSeconds(60), IMigrationObserver.None);
        await using var session = await shop.Source.ConnectAsync();
        await MarkTable.CreateAsync(session, default);
        await MarkTable.ClaimAsync(session, "the one that went through", default);

        var error = await Assert.ThrowsAsync<MigrationException>(shop.StartAsync);

        Assert.Equal("SourceWasCutOver", error.ErrorId);
        Assert.Contains("the one that went through", error.Message, StringComparison.Ordinal);
        Assert.Equal("stopped", Assert.Single(await DmsReplication.ReportAsync(link)).Status);
    }

    [Fact]
    public async Task A_password_that_was_wrong_at_first_is_mended_by_the_right_one()
    {
        await using var shop = await Shop.OpenAsync(bed);
        var login = shop.Source.WithUser($"dms_{shop.Source.Database}");
        await TestPostgres.ExecuteAsync(shop.Source, $"CREATE ROLE {login.User} SUPERUSER LOGIN PASSWORD 'the right one' IN ROLE needs_password");
        shop.Options = shop.Options with { SourceForDms = login.WithPassword("a wrong one") };
        var wrong = await Assert.ThrowsAsync<MigrationException>(shop.StartAsync);

        shop.Options = shop.Options with { SourceForDms = login.WithPassword("the right one") };
        var link = await shop.FollowAsync();

        Assert.Equal("DmsConnectionFailed", wrong.ErrorId);
        Assert.Equal(login.User, link.SourceLogin);
    }

    [Fact]
    public async Task An_endpoint_that_was_given_by_its_ARN_is_not_changed_and_the_error_names_it()
    {
        await using var shop = await Shop.OpenAsync(bed);
        var login = shop.Source.WithUser($"dms_{shop.Source.Database}");
        await TestPostgres.ExecuteAsync(shop.Source, $"CREATE ROLE {login.User} SUPERUSER LOGIN PASSWORD 'the right one' IN ROLE needs_password");
        using var client = new DmsClient(shop.Access);
        var endpoint = (await client.CreateEndpointAsync(new()
        {
            EndpointIdentifier = $"by-hand-{shop.Source.Database}", EndpointType = "source", EngineName = "postgres", ServerName = login.Host, Port = login.Port, DatabaseName = login.Database, Username = login.User, Password = "a wrong one",
        })).Endpoint!;
        shop.Options = shop.Options with { SourceEndpointArn = endpoint.EndpointArn, SourceForDms = login.WithPassword("the right one") };

        for (int attempt = 0; attempt < 2; attempt++)
        {
            var error = await Assert.ThrowsAsync<MigrationException>(shop.StartAsync);

            Assert.Equal("DmsConnectionFailed", error.ErrorId);
            Assert.Contains(endpoint.EndpointIdentifier!, error.Message, StringComparison.Ordinal);
        }

        await client.DeleteEndpointAsync(new() { EndpointArn = endpoint.EndpointArn! });
    }

    [Fact]
    public async Task A_login_that_only_a_secret_names_is_asked_for_before_anything_is_made()
    {
        await using var shop = await Shop.OpenAsync(bed);
        shop.Options = shop.Options with { SourceSecret = "arn:aws:secretsmanager:eu-central-1:1:secret:own" };

        var error = await Assert.ThrowsAsync<MigrationException>(shop.StartAsync);

        Assert.Equal("DmsLoginUnknown", error.ErrorId);
        Assert.Contains("-SourceForDms", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_load_that_failed_on_a_large_value_goes_on_with_a_larger_limit_and_one_that_runs_is_not_changed_unseen()
    {
        await using var shop = await Shop.OpenAsync(bed, "CREATE DOMAIN long_text AS text", "CREATE DOMAIN story AS long_text", "CREATE TABLE tales (id int PRIMARY KEY, tale story)");
        await TestPostgres.ExecuteAsync(shop.Source, "INSERT INTO tales VALUES (1, repeat('x', 100000))");
        shop.Options = shop.Options with { LobMaxSize = 32 };
        var link = await shop.StartAsync();
        using var client = new DmsClient(shop.Access);
        await TestTask.UntilAsync(async () => (await client.ListReplicationTasksAsync([new() { Name = "replication-task-arn", Values = link.TaskArns }]))[0], task => task.Status == "failed");

        shop.Options = shop.Options with { LobMaxSize = 256 };
        await shop.FollowAsync();
        var error = await Assert.ThrowsAsync<MigrationException>(() => DmsReplication.StartAsync(shop.Access, shop.Source, shop.Target, shop.Options with { LobMaxSize = 512 }, IMigrationObserver.None));

        Assert.Equal(100000, await TestPostgres.QueryAsync<int>(shop.Target, "SELECT length(tale) FROM tales"));
        Assert.Equal("DmsTaskSettingsDiffer", error.ErrorId);
        Assert.Contains("LobMaxSize 256 instead of 512", error.Message, StringComparison.Ordinal);
    }
}
