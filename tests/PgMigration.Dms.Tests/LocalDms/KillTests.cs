namespace PgMigration.Dms.Tests;

/// <summary>The local DMS is killed, as no program can prevent, and started again: nothing is lost, nothing is doubled.</summary>
[Collection(DmsCollection.Name)]
public sealed class KillTests(DmsBed bed) : IAsyncLifetime
{
    // without a key, so that a row that was applied twice shows itself
    private const string Keyless = "CREATE TABLE a_log (id bigint, name varchar(40))";
    private const string Keyed = "CREATE TABLE b_item (id int PRIMARY KEY, name varchar(40))";
    private const string Checksum = "SELECT (SELECT coalesce(sum(hashtextextended(a::text, 0)), 0) || '/' || count(*) FROM a_log a) || ' ' || (SELECT coalesce(sum(hashtextextended(b::text, 0)), 0) || '/' || count(*) FROM b_item b)";

    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"pgm-dmskill-{Guid.NewGuid().ToString("N")[..8]}");
    private LocalDmsServer _dms = null!;

    public async Task InitializeAsync() => _dms = await LocalDmsServer.StartAsync(new LocalDmsOptions { Folder = _folder });

    public Task DisposeAsync() => LocalDmsServer.StopAsync(_folder, remove: true);

    [Fact]
    public async Task Killed_in_the_full_load_it_loads_the_rest_from_a_later_moment_and_leaves_out_what_that_has_seen()
    {
        using var task = await bed.NewTaskAsync(_dms, null, Keyless, Keyed, "INSERT INTO a_log SELECT i, 'a' FROM generate_series(1, 500) i", "INSERT INTO b_item SELECT i, 'b' FROM generate_series(1, 20000) i");
        await TestPostgres.ExecuteAsync(task.Target, Keyless, Keyed);
        task.With("FullLoadSettings", "TargetTablePrepMode", "DO_NOTHING").With("FullLoadSettings", "MaxFullLoadSubTasks", 1);
        task.Mappings = """
            {"rules":[{"rule-type":"selection","rule-id":"1","rule-name":"1","object-locator":{"schema-name":"public","table-name":"%"},"rule-action":"include"},
            {"rule-type":"table-settings","rule-id":"2","rule-name":"2","object-locator":{"schema-name":"public","table-name":"b[_]item"},"parallel-load":{"type":"ranges","columns":["id"],"boundaries":[["5000"]]}}]}
            """;
        await task.CreateAsync();

        await using (var holder = await task.Target.ConnectAsync())
        {
            // b_item's first part is written, its second is not: it waits for this lock
            await TestPostgres.ExecuteAsync(task.Target, "CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NEW; END'",
                "CREATE TRIGGER wait_for_test BEFORE INSERT ON b_item FOR EACH ROW WHEN (NEW.id = 15000) EXECUTE FUNCTION wait_for_test()", "ALTER TABLE b_item ENABLE ALWAYS TRIGGER wait_for_test");
            await using var hold = new Npgsql.NpgsqlCommand("SELECT pg_advisory_lock(4711)", holder);
            await hold.ExecuteNonQueryAsync();
            await task.StartAsync();
            await TestTask.UntilAsync(() => TestPostgres.QueryAsync<long>(task.Target, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted"), waiting => waiting == 1);
            task.Kill();
            await TestPostgres.ExecuteAsync(task.Source, "INSERT INTO a_log VALUES (501, 'killed')", "UPDATE b_item SET name = 'killed' WHERE id IN (1, 19999)", "DELETE FROM b_item WHERE id IN (2, 19998)", "INSERT INTO b_item VALUES (20001, 'killed')");
        }

        await task.ReviveAsync();
        await task.LoadedAsync();
        await TestPostgres.ExecuteAsync(task.Source, "INSERT INTO a_log VALUES (502, 'after')", "UPDATE b_item SET name = 'after' WHERE id = 3");

        await task.TargetAsync(Checksum, await TestPostgres.QueryAsync<string>(task.Source, Checksum));
        Assert.Equal(0L, await TestPostgres.QueryAsync<long>(task.Target, "SELECT count(*) FROM awsdms_apply_exceptions"));
    }

    [Fact]
    public async Task Killed_again_and_again_while_it_applies_changes_it_goes_on_with_the_first_that_is_missing()
    {
        using var task = await bed.NewTaskAsync(_dms, null, Keyless, Keyed, "INSERT INTO b_item SELECT i, 'b' FROM generate_series(1, 1000) i");
        await task.CreateAsync();
        await task.StartAsync();
        await task.LoadedAsync();
        using var enough = new CancellationTokenSource();
        var writing = WriteAsync(task.Source, enough.Token);

        for (int kill = 0; kill < 4; kill++)
        {
            long before = await TestPostgres.QueryAsync<long>(task.Target, "SELECT count(*) FROM a_log");
            await TestTask.UntilAsync(() => TestPostgres.QueryAsync<long>(task.Target, "SELECT count(*) FROM a_log"), rows => rows > before + 20);
            await task.KillAsync();
        }

        await enough.CancelAsync();
        await writing;
        await task.TargetAsync(Checksum, await TestPostgres.QueryAsync<string>(task.Source, Checksum));
        Assert.Equal(0L, await TestPostgres.QueryAsync<long>(task.Target, "SELECT count(*) FROM awsdms_apply_exceptions"));
        Assert.Equal("running", (await task.DescribeAsync()).Status);
    }

    [Fact]
    public async Task Stopped_in_good_order_and_started_again_it_goes_on_with_its_tasks_by_itself()
    {
        using var task = await bed.NewTaskAsync(_dms, null, Keyless, Keyed);
        await task.RunAsync();
        await LocalDmsServer.StopAsync(_folder);
        await TestPostgres.ExecuteAsync(task.Source, "INSERT INTO a_log VALUES (1, 'meanwhile')");

        await task.ReviveAsync();

        await task.TargetAsync("SELECT count(*) FROM a_log", 1L);
        Assert.Equal("running", (await task.DescribeAsync()).Status);
    }

    private static async Task WriteAsync(PgServer source, CancellationToken enough)
    {
        await using var connection = await source.ConnectAsync(CancellationToken.None);
        for (int i = 2000; !enough.IsCancellationRequested; i++)
        {
            string number = i.ToString(System.Globalization.CultureInfo.InvariantCulture);
            await using var command = new Npgsql.NpgsqlCommand(
                $"INSERT INTO a_log VALUES ({number}, md5('{number}')); INSERT INTO b_item VALUES ({number}, 'new'); UPDATE b_item SET name = '{number}' WHERE id = {number} % 900 + 1; DELETE FROM b_item WHERE id = {number} - 500", connection);
            await command.ExecuteNonQueryAsync(CancellationToken.None);
            await Task.Delay(1, CancellationToken.None);
        }
    }
}
