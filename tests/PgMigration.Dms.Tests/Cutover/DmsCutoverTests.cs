namespace PgMigration.Dms.Tests;

/// <summary>The second leg's cutover, with an app that writes all the way.</summary>
[Collection(DmsCollection.Name)]
public sealed class DmsCutoverTests(DmsBed bed) : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"pgm-dmscut-{Guid.NewGuid().ToString("N")[..8]}");

    private string Journal => Path.Combine(_folder, "cutover.journal");

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Fact]
    public async Task An_app_that_writes_all_the_way_loses_nothing_sees_no_error_and_gets_numbers_that_are_free()
    {
        await using var shop = await WithQuietTableAsync();
        await using var app = new WritingApp(shop.AsApp(shop.Source));
        await app.MoreAsync(50);
        var report = await shop.Cutover(app).RunAsync(Journal);
        await app.MoreAsync(50);
        await app.PauseAsync();

        Assert.Equal(CutoverOutcome.CutOver, report.Outcome);
        Assert.Empty(app.Errors);
        Assert.Equal(shop.Target.Port, app.Server.Port);
        Assert.Equal(app.Acknowledged.Count, app.Acknowledged.Distinct().Count());
        Assert.Equal(app.Acknowledged.Count, await Shop.CountAsync(shop.Target, $"orders WHERE id IN ({string.Join(',', app.Acknowledged)})"));
        Assert.Equal(2000 + app.Acknowledged.Count, await Shop.CountAsync(shop.Target, "orders"));
        await RefusedAsync(shop.AsApp(shop.Source));
        Assert.Equal("stopped", Assert.Single(await DmsReplication.ReportAsync(shop.Link!)).Status);
        Assert.Equal("1 tables the same before and not written to since, 2 tables the same as a whole", Assert.Single(report.Steps, step => step.Step == nameof(CompareData)).Proof);
    }

    [Fact]
    public async Task A_cutover_that_fails_when_the_tasks_are_stopped_already_is_undone_and_they_go_on()
    {
        await using var shop = await ReadyAsync();
        await using var app = new WritingApp(shop.AsApp(shop.Source));
        await app.MoreAsync(10);
        string before = await RightsAsync(shop.Source);

        var error = await Assert.ThrowsAsync<MigrationException>(() => RunAsync(shop, app, nameof(ProveTables), _ => throw new MigrationException("Made", MigrationErrorKind.InvalidOperation, "A made-up failure.")));
        await app.MoreAsync(10);

        Assert.Equal("CutoverUndone", error.ErrorId);
        Assert.Equal(shop.Source.Port, app.Server.Port);
        Assert.Equal(before, await RightsAsync(shop.Source));
        await LagWait.UntilAsync(shop.Link!, LagLimit.OfTime(TimeSpan.FromSeconds(2)), TimeSpan.FromSeconds(60), IMigrationObserver.None);
        Assert.Equal(CutoverOutcome.CutOver, (await shop.Cutover(app).RunAsync(Journal + "2")).Outcome);
        Assert.Empty(app.Errors);
    }

    [Theory]
    [InlineData(nameof(MarkTasks))]
    [InlineData(nameof(RepairSequences))]
    public async Task A_cutover_that_stopped_behind_the_pause_is_gone_on_with_by_another_session(string until)
    {
        await using var shop = await ReadyAsync();
        await using var app = new WritingApp(shop.AsApp(shop.Source));
        await app.MoreAsync(10);

        var stopped = await shop.Cutover(app, new CutoverOptions { Until = until, LeaveAppPaused = true }).RunAsync(Journal);
        string[] defaults = await Task.WhenAll(((PgServer[])[shop.AsApp(shop.Source), shop.Options.SourceForDms!]).Select(login => TestPostgres.QueryAsync<string>(login, "SHOW default_transaction_read_only")));
        var report = await shop.Cutover(app).ResumeAsync(Journal);
        await app.MoreAsync(10);

        Assert.Equal(["on", "off"], defaults); // the fence spares DMS, and nobody else

        Assert.Equal((CutoverOutcome.Unfinished, CutoverOutcome.CutOver), (stopped.Outcome, report.Outcome));
        await app.PauseAsync();
        Assert.Equal(2000 + app.Acknowledged.Count, await Shop.CountAsync(shop.Target, "orders"));
    }

    [Fact]
    public async Task Sequences_that_would_collide_end_the_cutover_before_the_app_is_let_in()
    {
        await using var shop = await ReadyAsync();
        await using var app = new WritingApp(shop.AsApp(shop.Source));

        var error = await Assert.ThrowsAsync<MigrationException>(() => shop.Cutover(app, new CutoverOptions { RepairSequences = false }).RunAsync(Journal));
        await app.MoreAsync(10);

        Assert.Equal("CutoverUndone", error.ErrorId);
        Assert.Equal("SequencesWouldCollide", Assert.IsType<MigrationException>(error.InnerException).ErrorId);
        Assert.Contains("public.orders.id", error.Message, StringComparison.Ordinal);
        Assert.Equal(shop.Source.Port, app.Server.Port);
    }

    [Theory]
    [InlineData("orders SET total = total + 1 WHERE id = 77", 60, false)]
    [InlineData("orders SET total = total + 1 WHERE id = 77", 0, true)]
    [InlineData("customers SET name = 'other' WHERE id = 7", 60, false)]
    public async Task A_row_that_is_other_on_the_target_ends_the_cutover_before_the_pause_if_there_is_time(string harm, int secondsAhead, bool isPaused)
    {
        await using var shop = await ReadyAsync();
        await using var app = new WritingApp(shop.AsApp(shop.Source));
        await TestPostgres.ExecuteAsync(shop.Target, $"UPDATE {harm}");

        var error = await Assert.ThrowsAsync<MigrationException>(() => shop.Cutover(app, new CutoverOptions { CompareAheadFor = TimeSpan.FromSeconds(secondsAhead) }).RunAsync(Journal));

        Assert.Equal("DataDiffers", Assert.IsType<MigrationException>(error.InnerException).ErrorId);
        Assert.Contains($"public.{harm.Split(' ')[0]} is not the same", error.Message, StringComparison.Ordinal);
        Assert.Equal(shop.Source.Port, app.Server.Port);
        Assert.Equal(isPaused, CutoverJournal.Read(Journal).Any(entry => entry is { Event: CutoverEvent.Begun, Step: nameof(PauseApp) }));
    }

    [Fact]
    public async Task A_table_that_somebody_writes_to_after_it_was_compared_is_compared_again_in_the_pause()
    {
        await using var shop = await WithQuietTableAsync();
        await using var app = new WritingApp(shop.AsApp(shop.Source));

        var error = await Assert.ThrowsAsync<MigrationException>(() => RunAsync(shop, app, nameof(ConfirmReplication),
            _ => TestPostgres.ExecuteAsync(shop.Target, "DELETE FROM countries WHERE code = 'nz'", "SELECT pg_stat_force_next_flush()")));

        Assert.Equal("DataDiffers", Assert.IsType<MigrationException>(error.InnerException).ErrorId);
        Assert.Contains("public.countries is not the same on both servers: 2 rows on the source, 1 on the target", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_speaks_against_a_cutover_keeps_it_from_beginning_and_is_named()
    {
        await using var shop = await WithQuietTableAsync();
        await using var app = new WritingApp(shop.AsApp(shop.Source));
        await RefusesAsync("DROP INDEX orders_customer", "index orders_customer", "CREATE INDEX orders_customer ON orders (customer)");
        await RefusesAsync("ALTER TABLE customers ALTER name DROP NOT NULL", "NOT NULL public.customers.name", "ALTER TABLE customers ALTER name SET NOT NULL");
        await RefusesAsync($"INSERT INTO pgmigration.awsdms_apply_exceptions VALUES ('{shop.Link!.TaskNames[0]}', 'public', 'orders', now(), 'INSERT', 'it would not go in')", "public.orders could not be applied", "TRUNCATE pgmigration.awsdms_apply_exceptions");
        await RefusesAsync($"REVOKE UPDATE ON orders FROM app_{shop.Target.Database}", $"GRANT UPDATE ON public.orders", $"GRANT UPDATE ON orders TO app_{shop.Target.Database}");
        await RefusesAsync($"REVOKE ALL ON SEQUENCE orders_id_seq FROM app_{shop.Target.Database}", "GRANT USAGE ON SEQUENCE public.orders_id_seq", $"GRANT ALL ON SEQUENCE orders_id_seq TO app_{shop.Target.Database}");
        await RefusesAsync("CREATE TABLE late (id int PRIMARY KEY)", "public.late came to the source after Start-PgDmsReplication", "DROP TABLE late", where: shop.Source);
        await RefusesAsync("ALTER TABLE countries ADD extra int", "column public.countries.extra is missing", "ALTER TABLE countries DROP extra", where: shop.Source);
        await RefusesAsync("ALTER TABLE countries REPLICA IDENTITY NOTHING", "public.countries has REPLICA IDENTITY NOTHING", "ALTER TABLE countries REPLICA IDENTITY DEFAULT", where: shop.Source);
        await RefusesAsync("SELECT 1", "the app's own login", "SELECT 1", new WritingApp(shop.Options.SourceForDms!, writers: 0));
        await SetScriptAsync("SELECT 1");
        await RefusesAsync("SELECT 1", "foreign key orders_customer_fkey of public.orders", "SELECT 1");
        await app.MoreAsync(1);

        async Task SetScriptAsync(string script)
        {
            await DmsReplication.StopAsync(shop.Link!, TimeSpan.FromSeconds(60), IMigrationObserver.None);
            using var dms = new DmsClient(shop.Access);
            var endpoint = Assert.Single(await dms.ListEndpointsAsync([new() { Name = "endpoint-id", Values = [$"{shop.Options.Name}-target"] }]));
            await dms.ModifyEndpointAsync(new() { EndpointArn = endpoint.EndpointArn!, PostgreSQLSettings = new() { AfterConnectScript = script } });
            await shop.FollowAsync();
        }

        async Task RefusesAsync(string harm, string said, string mend, WritingApp? other = null, PgServer? where = null)
        {
            await TestPostgres.ExecuteAsync(where ?? shop.Target, harm);
            var error = await Assert.ThrowsAsync<MigrationException>(() => shop.Cutover(other ?? app).RunAsync(Path.Combine(_folder, Guid.NewGuid().ToString("N"))));
            Assert.Equal("CutoverNotBegun", error.ErrorId);
            Assert.Contains(said, error.Message, StringComparison.Ordinal);
            await TestPostgres.ExecuteAsync(where ?? shop.Target, mend);
        }
    }

    [Fact]
    public async Task A_table_that_comes_between_the_last_look_and_the_fence_ends_the_cutover_behind_it()
    {
        await using var shop = await ReadyAsync();
        await using var app = new WritingApp(shop.AsApp(shop.Source));

        var error = await Assert.ThrowsAsync<MigrationException>(() => RunAsync(shop, app, nameof(PauseApp), _ => TestPostgres.ExecuteAsync(shop.Source, "CREATE TABLE late (id int PRIMARY KEY)")));
        await app.MoreAsync(1);

        Assert.Equal("TableNotMoved", Assert.IsType<MigrationException>(error.InnerException).ErrorId);
        Assert.Equal(shop.Source.Port, app.Server.Port);
    }

    [Fact]
    public async Task A_nonce_that_does_not_arrive_in_time_ends_the_cutover_and_the_app_goes_on_where_it_was()
    {
        await using var shop = await ReadyAsync();
        await using var app = new WritingApp(shop.AsApp(shop.Source));
        await using var session = await shop.Target.ConnectAsync();

        var error = await Assert.ThrowsAsync<MigrationException>(() => RunAsync(shop, app, nameof(MarkTasks), _ => session.ExecuteAsync($"begin; lock table pgmigration.\"{shop.Link!.Tasks[0].Heartbeat}\" in exclusive mode", CancellationToken.None),
            new CutoverOptions { MaxPause = TimeSpan.FromSeconds(3) }));
        await session.CloseAsync();
        await app.MoreAsync(10);

        Assert.Equal("CutoverUndone", error.ErrorId);
        Assert.Contains($"DrainTasks failed: it was not done within 3 s; the last try ended so: the nonce of {shop.Link!.TaskNames[0]} has not arrived", error.Message, StringComparison.Ordinal);
        Assert.Empty(app.Errors);
    }

    [Fact]
    public async Task A_transaction_in_which_DMS_reads_for_long_does_not_keep_a_cutover_from_beginning_and_anybody_elses_does()
    {
        await using var shop = await ReadyAsync();
        await using var app = new WritingApp(shop.AsApp(shop.Source), writers: 0);
        var options = new CutoverOptions { MaxTransactionAge = TimeSpan.FromMilliseconds(200), Until = nameof(CheckReplication) };
        await using var reading = await OldTransactionAsync(shop.Options.SourceForDms!);

        Assert.Equal(CutoverOutcome.Unfinished, (await shop.Cutover(app, options).RunAsync(Journal)).Outcome);

        await using var other = await OldTransactionAsync(shop.AsApp(shop.Source));
        var error = await Assert.ThrowsAsync<MigrationException>(() => shop.Cutover(app, options).RunAsync(Journal + "2"));
        Assert.Contains($"process {other.ProcessID} of {shop.AsApp(shop.Source).User}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_plan_names_the_step_that_brings_the_app_to_the_target_as_the_point_of_no_return()
    {
        var plan = CutoverPlan.ForDms();

        Assert.Equal(nameof(RepointApp), Assert.Single(plan.Describe(), row => row.Mark == CutoverMark.PointOfNoReturn).Step);
        Assert.True(plan.PlaceOf(nameof(RepairSequences)) < plan.PlaceOf(nameof(RepointApp)));
    }

    private async Task<Shop> ReadyAsync()
    {
        var shop = await Shop.OpenAsync(bed);
        await shop.MakeReadyAsync();
        return shop;
    }

    private static async Task<Npgsql.NpgsqlConnection> OldTransactionAsync(PgServer login)
    {
        var session = await login.ConnectAsync();
        await session.ExecuteAsync("begin; select count(*) from orders", CancellationToken.None);
        await ArchivingServer.UntilAsync("it is old", () => session.ScalarAsync<bool>("select clock_timestamp() - xact_start > interval '300 milliseconds' from pg_stat_activity where pid = pg_backend_pid()", CancellationToken.None));
        return session;
    }

    // Beside the tables that the app writes to, one that nobody does.
    private async Task<Shop> WithQuietTableAsync()
    {
        var shop = await Shop.OpenAsync(bed, "CREATE TABLE countries (code varchar(2) PRIMARY KEY)");
        await TestPostgres.ExecuteAsync(shop.Source, "INSERT INTO countries VALUES ('ch'), ('nz')");
        await shop.MakeReadyAsync();
        foreach (var server in (PgServer[])[shop.Source, shop.Target])
        {
            // counts of writes are handed in late
            await ArchivingServer.UntilAsync("the rows are counted", async () => await Shop.CountAsync(server, "pg_stat_user_tables WHERE relname = 'countries' AND n_tup_ins = 2") == 1);
        }

        return shop;
    }

    private async Task<CutoverReport> RunAsync(Shop shop, WritingApp app, string step, Func<CutoverContext, Task> before, CutoverOptions? options = null)
    {
        var cutover = shop.Cutover(app, options);
        using var journal = CutoverJournal.Create(Journal);
        await using var context = new CutoverContext(shop.Link!, shop.Source, shop.AsApp(shop.Target), app, cutover.Options, journal, IMigrationObserver.None);
        return await new CutoverRunner(new CutoverPlan([.. cutover.Plan.Steps.Select(each => each.Name == step ? new WrappedStep(each, before) : each)]), context).RunAsync();
    }

    private static async Task RefusedAsync(PgServer server)
    {
        var error = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => TestPostgres.ExecuteAsync(server, "BEGIN READ WRITE", "INSERT INTO orders (customer, total) VALUES (1, 1)"));
        Assert.Equal("42501", error.SqlState);
    }

    private static Task<string> RightsAsync(PgServer server) => TestPostgres.QueryAsync<string>(server, """
        SELECT coalesce(string_agg(relname || coalesce(relacl::text, ''), ';' ORDER BY relname), '') || coalesce((SELECT string_agg(setconfig::text || setrole, ';' ORDER BY setrole) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = current_database()), '')
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')
        """);
}
