namespace PgMigration.Dms.Tests;

/// <summary>Rows are compared on both servers, and the states say what came of it.</summary>
[Collection(DmsCollection.Name)]
public sealed class ValidationTests(DmsBed bed)
{
    [Fact]
    public async Task A_row_that_someone_changed_on_the_target_is_found_and_a_table_without_a_key_cannot_be_compared()
    {
        using var task = await bed.NewTaskAsync("CREATE TABLE item (id int PRIMARY KEY, price numeric, body text)", "INSERT INTO item SELECT i, i / 7.0, 'x' FROM generate_series(1, 1500) i",
            "CREATE TABLE log (id int)", "INSERT INTO log VALUES (1)");
        task.With("ValidationSettings", "EnableValidation", true).With("ValidationSettings", "RecordFailureDelayInMinutes", 1);
        await task.RunAsync();
        await TestTask.UntilAsync(() => task.TableAsync("item"), table => table.ValidationState == "Validated");
        await TestTask.UntilAsync(() => task.TableAsync("log"), table => table.ValidationState == "No primary key");

        await TestPostgres.ExecuteAsync(task.Target, "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.body := NEW.body || ''!''; RETURN NEW; END'",
            "CREATE TRIGGER spoil BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION spoil()", "ALTER TABLE item ENABLE ALWAYS TRIGGER spoil");
        await TestPostgres.ExecuteAsync(task.Source, "UPDATE item SET body = 'y' WHERE id IN (7, 8)");

        var table = await TestTask.UntilAsync(() => task.TableAsync("item"), table => table.ValidationState == "Mismatched records");
        Assert.Equal(2, table.ValidationFailedRecords);
        Assert.Equal("""["7"] RECORD_DIFF,["8"] RECORD_DIFF""", await TestPostgres.QueryAsync<string>(task.Target,
            """SELECT string_agg("KEY" || ' ' || "FAILURE_TYPE", ',' ORDER BY "KEY") FROM awsdms_validation_failures_v1"""));

        await TestPostgres.ExecuteAsync(task.Target, "DROP TRIGGER spoil ON item");
        await TestPostgres.ExecuteAsync(task.Source, "UPDATE item SET body = 'z' WHERE id IN (7, 8)");
        await TestTask.UntilAsync(() => task.TableAsync("item"), compared => compared.ValidationState == "Validated" && compared.ValidationFailedRecords == 0);
    }
}
