using System.Text.Json.Nodes;

namespace PgMigration.Tests;

[Collection(PostgresCollection.Name)]
public sealed class DmsPlanTests(TestPostgres postgres) : IDisposable
{
    private static readonly string[] Shop =
    [
        "CREATE SCHEMA sales", "CREATE TABLE sales.orders (id bigint PRIMARY KEY, note text)", "CREATE TABLE sales.orders_log (id int PRIMARY KEY)",
        "CREATE TABLE customers (id int PRIMARY KEY, code varchar(10))", "CREATE TABLE photos (id int PRIMARY KEY, content bytea)",
    ];

    private readonly CannedDms _dms = new((200, "{}"));

    public void Dispose() => _dms.Dispose();

    [Fact]
    public async Task Each_table_is_named_the_large_ones_first_and_what_is_excluded_is_not()
    {
        var (source, target) = await PairAsync();
        await TestPostgres.ExecuteAsync(source, "INSERT INTO sales.orders SELECT n, repeat('x', 100) FROM generate_series(1, 5000) n");

        var plan = await PlanAsync(source, target, new DmsReplicationOptions { Name = "shop", Exclude = ["*_log", "public.photos"] });

        var rules = JsonNode.Parse(plan.Mappings(0))!["rules"]!.AsArray();
        Assert.Equal(["pgmigration.dms_shop-1", "sales.orders", "public.customers"], rules.OrderByDescending(rule => (int)rule!["load-order"]!).Select(rule => $"{rule!["object-locator"]!["schema-name"]}.{rule["object-locator"]!["table-name"]}"));
        Assert.All(rules, rule => Assert.Equal("explicit", (string?)rule!["rule-action"]));
        Assert.Equal(["Instance shop Create", "Endpoint shop-source Create", "Endpoint shop-target Create", "Task shop-1 Create"], plan.Rows.Select(row => $"{row.What} {row.Name} {row.Action}"));
    }

    [Fact]
    public async Task Patterns_choose_by_schema_and_by_name()
    {
        var (source, target) = await PairAsync();

        var plan = await PlanAsync(source, target, new DmsReplicationOptions { Schemas = ["s*"], Tables = ["orders*", "public.customers"] });

        Assert.Equal(["sales.orders", "sales.orders_log"], plan.Parts.Single().Select(table => table.ToString()).Order());
        await FailsAsync("DmsNoTables", source, target, new DmsReplicationOptions { Tables = ["nothing"] });
    }

    [Fact]
    public async Task Tasks_share_the_tables_by_size()
    {
        var (source, target) = await PairAsync();
        await TestPostgres.ExecuteAsync(source, "INSERT INTO sales.orders SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n");

        var plan = await PlanAsync(source, target, new DmsReplicationOptions { Name = "shop", TaskCount = 2 });

        Assert.Equal(["sales.orders"], plan.Parts[0].Select(table => table.ToString()));
        Assert.Equal(["public.customers", "public.photos", "sales.orders_log"], plan.Parts[1].Select(table => table.ToString()).Order());
        Assert.True(DmsTableMappings.Has(plan.Mappings(1), "pgmigration", "dms_shop-2"));
    }

    [Fact]
    public async Task A_large_table_is_loaded_in_ranges_of_its_key()
    {
        var (source, target) = await PairAsync();
        await TestPostgres.ExecuteAsync(source, "INSERT INTO sales.orders SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n");

        var plan = await PlanAsync(source, target, new DmsReplicationOptions { ParallelLoadFrom = 1 << 20, MaxFullLoadSubTasks = 4 });

        var load = JsonNode.Parse(plan.Mappings(0))!["rules"]!.AsArray().Single(rule => (string?)rule!["rule-type"] == "table-settings")!["parallel-load"]!;
        Assert.Equal("""{"type":"ranges","columns":["id"],"boundaries":[["5000"],["10000"],["15000"]]}""", load.ToJsonString());
    }

    [Theory]
    [InlineData("INSERT INTO sales.orders VALUES (1, repeat('x', 100000))", 256, "sales.orders.note")]
    [InlineData("INSERT INTO sales.orders VALUES (1, repeat(chr(128512), 25000))", 512, "sales.orders.note")]
    [InlineData("INSERT INTO photos VALUES (1, decode(repeat('00', 100000), 'hex'))", 128, "public.photos.content")]
    public async Task The_largest_LOB_is_measured_by_the_bytes_that_DMS_counts_for_its_characters(string insert, int kilobytes, string where)
    {
        var (source, target) = await PairAsync();
        await TestPostgres.ExecuteAsync(source, insert);

        var plan = await PlanAsync(source, target);

        Assert.Equal((kilobytes, where), (plan.Lobs.MaxSize, plan.Lobs.Where));
        Assert.Equal(kilobytes, (int)JsonNode.Parse(plan.Settings)!["TargetMetadata"]!["LobMaxSize"]!);
    }

    [Fact]
    public async Task A_table_that_the_target_lacks_is_refused_before_anything_is_made()
    {
        var (source, target) = await PairAsync();
        await TestPostgres.ExecuteAsync(target, "DROP TABLE customers");

        Assert.Contains("public.customers", (await FailsAsync("DmsTargetTablesMissing", source, target)).Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_dms.Seen, seen => seen.Headers["X-Amz-Target"]!.Contains("Create", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_column_that_the_target_lacks_is_refused()
    {
        var (source, target) = await PairAsync();
        await TestPostgres.ExecuteAsync(target, "ALTER TABLE customers DROP code");

        Assert.Contains("public.customers", (await FailsAsync("DmsTargetColumnsMissing", source, target)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_target_that_holds_rows_is_refused()
    {
        var (source, target) = await PairAsync();
        await TestPostgres.ExecuteAsync(target, "INSERT INTO customers VALUES (1)");

        Assert.Contains("public.customers", (await FailsAsync("DmsTargetNotEmpty", source, target)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_without_key_is_refused_unless_somebody_knows_that_it_is_only_inserted_into()
    {
        var (source, target) = await PairAsync();
        await TestPostgres.ExecuteAsync(source, "CREATE TABLE events (at timestamptz)");
        await TestPostgres.ExecuteAsync(target, "CREATE TABLE events (at timestamptz)");

        Assert.Contains("public.events", (await FailsAsync("DmsNoPrimaryKey", source, target)).Message, StringComparison.Ordinal);
        Assert.Contains((await PlanAsync(source, target, new DmsReplicationOptions { AllowNoPrimaryKey = true })).Parts[0], table => table.Name == "events");
        await TestPostgres.ExecuteAsync(source, "ALTER TABLE events REPLICA IDENTITY FULL");
        Assert.Contains((await PlanAsync(source, target)).Parts[0], table => table.Name == "events");
    }

    [Theory]
    [InlineData("id int PRIMARY KEY", "REPLICA IDENTITY NOTHING", "DEFAULT")]
    [InlineData("id int PRIMARY KEY, code int NOT NULL", "REPLICA IDENTITY USING INDEX events_code", "DEFAULT")]
    [InlineData("code int NOT NULL", "REPLICA IDENTITY USING INDEX events_code", "FULL")]
    [InlineData("id int PRIMARY KEY DEFERRABLE", "REPLICA IDENTITY DEFAULT", "FULL")]
    public async Task A_table_whose_changes_do_not_say_which_row_they_are_about_is_refused_with_the_statement_that_mends_it(string columns, string identity, string mend)
    {
        var (source, target) = await PairAsync();
        foreach (var server in (PgServer[])[source, target])
        {
            await TestPostgres.ExecuteAsync(server, $"CREATE TABLE events ({columns})");
        }

        await TestPostgres.ExecuteAsync(source, "DO $$BEGIN IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'events'::regclass AND attname = 'code') THEN CREATE UNIQUE INDEX events_code ON events (code); END IF; END$$",
            $"ALTER TABLE events {identity}", "DROP INDEX IF EXISTS events_code");

        var error = await FailsAsync("DmsNoRowIdentity", source, target, new DmsReplicationOptions { AllowNoPrimaryKey = true });
        string statement = $"ALTER TABLE \"public\".\"events\" REPLICA IDENTITY {mend}";
        Assert.Contains(statement, error.Message, StringComparison.Ordinal);
        await TestPostgres.ExecuteAsync(source, statement);
        Assert.Contains((await PlanAsync(source, target)).Parts[0], table => table.Name == "events");
    }

    [Fact]
    public async Task A_target_login_that_may_not_act_as_a_replica_is_refused()
    {
        var (source, target) = await PairAsync();
        var owner = await postgres.CreateDatabaseAsync();
        await TestPostgres.ExecuteAsync(owner, Shop);

        Assert.Contains("session_replication_role", (await FailsAsync("DmsReplicaRoleDenied", source, owner)).Message, StringComparison.Ordinal);
        Assert.NotEqual(owner.User, target.User);
    }

    [Theory]
    [InlineData("text", true)]
    [InlineData("note", true)]
    [InlineData("varchar(40)", false)]
    [InlineData("varchar", false)]
    public async Task A_primary_key_of_a_large_type_is_refused_by_name(string type, bool isRefused)
    {
        var (source, target) = await PairAsync();
        foreach (var server in (PgServer[])[source, target])
        {
            await TestPostgres.ExecuteAsync(server, "CREATE DOMAIN note AS text", $"CREATE TABLE slugs (slug {type} PRIMARY KEY)");
        }

        if (isRefused)
        {
            Assert.Contains("public.slugs", (await FailsAsync("DmsLargeKey", source, target)).Message, StringComparison.Ordinal);
        }

        Assert.Equal(isRefused ? 4 : 5, (await PlanAsync(source, target, new DmsReplicationOptions { Exclude = isRefused ? ["slugs"] : [] })).Parts.Single().Count);
    }

    [Fact]
    public void The_settings_of_our_tasks_are_those_that_the_proof_needs_and_those_of_DMS_are_not()
    {
        Assert.Empty(DmsTaskSettings.FindWeaknesses(DmsTaskSettings.For(DmsLobs.Of(0, null), new DmsReplicationOptions())));
        Assert.Equal(5, DmsTaskSettings.FindWeaknesses("""{"TargetMetadata": {"BatchApplyEnabled": true, "ParallelApplyThreads": 4}, "ErrorBehavior": {"ApplyErrorInsertPolicy": "LOG_ERROR"}}""").Count);
    }

    [Theory]
    [InlineData("My Shop_db", "my-shop-db")]
    [InlineData("shop--2-", "shop-2")]
    public void A_name_becomes_one_that_DMS_takes(string wanted, string name) => Assert.Equal(name, DmsPlanner.NameOf(wanted));

    [Fact]
    public void A_name_that_cannot_become_one_is_refused() => Assert.Equal("DmsNameInvalid", Assert.Throws<MigrationException>(() => DmsPlanner.NameOf("1shop")).ErrorId);

    private async Task<(PgServer Source, PgServer Target)> PairAsync()
    {
        var source = await postgres.CreateDatabaseAsync(asSuperuser: true);
        var target = await postgres.CreateDatabaseAsync(asSuperuser: true);
        await TestPostgres.ExecuteAsync(source, Shop);
        await TestPostgres.ExecuteAsync(target, Shop);
        return (source, target);
    }

    private Task<DmsPlan> PlanAsync(PgServer source, PgServer target, DmsReplicationOptions? options = null) =>
        DmsPlanner.PlanAsync(_dms.Client, source, target, options ?? new DmsReplicationOptions(), IMigrationObserver.None, CancellationToken.None);

    private async Task<MigrationException> FailsAsync(string errorId, PgServer source, PgServer target, DmsReplicationOptions? options = null)
    {
        var error = await Assert.ThrowsAsync<MigrationException>(() => PlanAsync(source, target, options));
        Assert.Equal(errorId, error.ErrorId);
        return error;
    }
}
