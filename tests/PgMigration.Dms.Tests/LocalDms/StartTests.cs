using System.Globalization;

namespace PgMigration.Dms.Tests;

/// <summary>Where a task starts: at a position, on servers of other versions, in other modes.</summary>
[Collection(DmsCollection.Name)]
public sealed class StartTests(DmsBed bed)
{
    [Fact]
    public async Task A_task_of_changes_alone_starts_at_the_position_of_a_slot_that_was_made_before()
    {
        using var task = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY)", "INSERT INTO item VALUES (1)");
        await TestPostgres.ExecuteAsync(task.Target, "CREATE TABLE item (id int PRIMARY KEY)");
        string slot = task.Source.Database + "_slot";
        await TestPostgres.ExecuteAsync(task.Source, $"CREATE PUBLICATION {slot} FOR ALL TABLES", $"SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')", "INSERT INTO item VALUES (2)");
        task.MigrationType = "cdc";
        task.SourceSettings = task.SourceSettings with { SlotName = slot };
        task.StartPosition = await TestPostgres.QueryAsync<string>(task.Source, $"SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = '{slot}'");
        await task.CreateAsync();
        await task.StartAsync();

        await task.TargetAsync("SELECT coalesce(string_agg(id::text, ','), '') FROM item", "2");
    }

    [Fact]
    public async Task A_position_without_a_slot_is_refused()
    {
        using var task = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY)");
        task.StartPosition = "0/1";

        Assert.Equal("DmsInvalidParameterValue", (await Assert.ThrowsAsync<MigrationException>(task.CreateAsync)).ErrorId);
    }

    [Fact]
    public async Task Tables_that_new_mappings_bring_are_loaded_and_followed_when_the_task_goes_on()
    {
        using var task = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY)", "CREATE TABLE other (id int PRIMARY KEY)", "INSERT INTO other VALUES (1)");
        task.Mappings = TestTask.Everything.Replace("\"table-name\":\"%\"", "\"table-name\":\"item\"", StringComparison.Ordinal);
        await task.RunAsync();
        await task.StopAsync();
        await TestPostgres.ExecuteAsync(task.Source, "INSERT INTO other VALUES (2)", "INSERT INTO item VALUES (1)");

        await task.Client.ModifyReplicationTaskAsync(new() { ReplicationTaskArn = task.Arn, TableMappings = TestTask.Everything });
        await task.StatusAsync("stopped");
        await task.StartAsync("resume-processing");
        await TestTask.UntilAsync(() => task.Client.ListTableStatisticsAsync(task.Arn), tables => tables.Length == 2 && tables.All(table => table.TableState == "Table completed"));
        await TestPostgres.ExecuteAsync(task.Source, "INSERT INTO other VALUES (3)", "DELETE FROM other WHERE id = 1");

        await task.TargetAsync("SELECT (SELECT string_agg(id::text, ',' ORDER BY id) FROM other) || ' ' || (SELECT count(*) FROM item)", "2,3 1");
    }

    [Fact]
    public async Task In_full_LOB_mode_nothing_is_cut_and_changes_bring_their_large_values_in_a_second_step()
    {
        using var task = await bed.NewTaskAsync("CREATE TABLE doc (id int PRIMARY KEY, body text)", "INSERT INTO doc VALUES (1, repeat('x', 100000))");
        task.With("TargetMetadata", "FullLobMode", true).With("TargetMetadata", "LimitedSizeLobMode", false);
        await task.RunAsync();
        await TestPostgres.ExecuteAsync(task.Target, "CREATE TABLE seen (what text)", "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO seen VALUES (tg_op || coalesce(length(NEW.body), 0)); RETURN NEW; END'",
            "CREATE TRIGGER see AFTER INSERT OR UPDATE ON doc FOR EACH ROW EXECUTE FUNCTION see()", "ALTER TABLE doc ENABLE ALWAYS TRIGGER see");
        await TestPostgres.ExecuteAsync(task.Source, "INSERT INTO doc VALUES (2, repeat('y', 100000))");

        await task.TargetAsync("SELECT string_agg(id || ':' || length(body), ' ' ORDER BY id) FROM doc WHERE body IS NOT NULL", "1:100000 2:100000");
        Assert.Equal("INSERT0,UPDATE100000", await TestPostgres.QueryAsync<string>(task.Target, "SELECT string_agg(what, ',' ORDER BY what) FROM seen"));
    }

    [Fact]
    public async Task Types_that_have_no_common_binary_form_arrive_as_text()
    {
        using var task = await bed.NewTaskAsync("CREATE TYPE mood AS ENUM ('sad', 'glad')", "CREATE DOMAIN short AS varchar(5)", "CREATE TABLE item (id int PRIMARY KEY, mood mood, moods mood[], short short, at timestamptz, span int4range, kind regclass)",
            "INSERT INTO item VALUES (1, 'glad', '{sad,glad}', 'abc', '2026-01-31 12:00+00', '[1,5)', 'pg_class')");
        await TestPostgres.ExecuteAsync(task.Target, "CREATE TYPE padding AS ENUM ('x')", "CREATE TYPE mood AS ENUM ('sad', 'glad')", "CREATE DOMAIN short AS varchar(5)",
            "CREATE TABLE item (id int PRIMARY KEY, mood mood, moods mood[], short short, at timestamptz, span int4range, kind regclass)");
        task.With("FullLoadSettings", "TargetTablePrepMode", "DO_NOTHING");
        await task.RunAsync();
        await TestPostgres.ExecuteAsync(task.Source, "INSERT INTO item SELECT 2, mood, moods, short, at, span, kind FROM item");

        await task.TargetAsync("SELECT count(*) FROM item a JOIN item b ON (a.id, b.id) = (1, 2) AND (a.mood, a.moods, a.short, a.at, a.span, a.kind)::text = (b.mood, b.moods, b.short, b.at, b.span, b.kind)::text AND a.moods::text = '{sad,glad}'", 1L);
    }

    [MajorFact(14)]
    public async Task From_PostgreSQL_14_to_the_newest() => await MovesAsync(14, PostgresMajors.Available.Max());

    [MajorFact(18)]
    public async Task From_PostgreSQL_18_to_the_one_that_is_installed() => await MovesAsync(18, PostgresBinaries.Find().MajorVersion);

    private async Task MovesAsync(int from, int to)
    {
        await using var source = await TestPostgres.StartAsync([], binaries: PostgresMajors.Find(from));
        await using var target = await TestPostgres.StartAsync([], binaries: PostgresMajors.Find(to));
        await TestPostgres.ExecuteAsync(source.Server, "CREATE TABLE item (id int PRIMARY KEY, body text, at timestamptz DEFAULT now())", "INSERT INTO item SELECT i, repeat('x', i) FROM generate_series(1, 100) i");
        using var task = new TestTask(string.Create(CultureInfo.InvariantCulture, $"from{from}to{to}"), source.Server, target.Server, bed.Dms, bed.InstanceArn);
        await task.RunAsync();
        await TestPostgres.ExecuteAsync(source.Server, "UPDATE item SET body = 'changed' WHERE id = 1", "DELETE FROM item WHERE id = 2", "INSERT INTO item VALUES (101)");

        const string All = "SELECT count(*) || ' ' || sum(hashtextextended(i::text, 0)) FROM item i";
        await task.TargetAsync(All, await TestPostgres.QueryAsync<string>(source.Server, All));
        await task.StopAsync();
    }
}
