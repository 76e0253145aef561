namespace PgMigration.Dms.Tests;

/// <summary>Rows compared while they are written: what is on its way is told from what is wrong. Here the test is the link.</summary>
[Collection(DmsCollection.Name)]
public sealed class LiveComparisonTests(DmsBed bed)
{
    private const string Table = "CREATE TABLE items (id int PRIMARY KEY, state text)";
    private const string Rows = "INSERT INTO items SELECT i, 'free' FROM generate_series(1, 3000) i";

    // No time for whole tables leaves the samples.
    public static TheoryData<bool> Ways => [true, false];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_row_that_arrives_with_what_was_written_behind_it_is_right(bool whole)
    {
        using var task = await bed.NewTaskAsync(Table, Rows, "INSERT INTO items VALUES (9000, 'taken')");
        await TestPostgres.ExecuteAsync(task.Target, Table, Rows);

        var found = await CompareAsync(task, whole, () => TestPostgres.ExecuteAsync(task.Target, "INSERT INTO items VALUES (9000, 'taken')"));

        Assert.StartsWith(whole ? "1 tables the same as a whole, 0 by 0 of" : "0 tables the same as a whole, 1 by ", found.Said, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_row_that_does_not_arrive_with_what_was_written_behind_it_is_missing(bool whole)
    {
        using var task = await bed.NewTaskAsync(Table, Rows, "INSERT INTO items VALUES (9000, 'taken')");
        await TestPostgres.ExecuteAsync(task.Target, Table, Rows);

        var error = await Assert.ThrowsAsync<MigrationException>(() => CompareAsync(task, whole, () => Task.CompletedTask));

        Assert.Equal("DataDiffers", error.ErrorId);
        Assert.Contains(whole ? "3,001 rows on the source, 3,000 on the target" : "the one with the key 9000", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_row_that_is_changed_and_changed_back_meanwhile_proves_nothing(bool whole)
    {
        using var task = await bed.NewTaskAsync(Table, Rows);
        await TestPostgres.ExecuteAsync(task.Target, Table, Rows, "UPDATE items SET state = 'taken' WHERE id = 3000");

        var found = await CompareAsync(task, whole, async () =>
        {
            foreach (var (server, last) in ((PgServer, string)[])[(task.Source, "free"), (task.Target, "taken")]) // whose last change is on its way
            {
                await TestPostgres.ExecuteAsync(server, "UPDATE items SET state = 'free' WHERE id = 3000", $"UPDATE items SET state = '{last}' WHERE id = 3000");
            }
        });

        Assert.Empty(found.Found.Same);
        Assert.StartsWith("0 tables the same as a whole, 1 by", found.Said, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_row_that_was_removed_on_the_source_and_stays_on_the_target_is_found(bool whole)
    {
        using var task = await bed.NewTaskAsync(Table, Rows, "TRUNCATE items");
        await TestPostgres.ExecuteAsync(task.Target, Table, Rows);

        var live = await Assert.ThrowsAsync<MigrationException>(() => CompareAsync(task, whole, () => Task.CompletedTask));
        var paused = await Assert.ThrowsAsync<MigrationException>(() =>
            TableComparison.RunAsync(task.Source, task.Target, ["public.items"], whole ? TimeSpan.FromSeconds(30) : TimeSpan.Zero, ComparedAhead.Nothing, IMigrationObserver.None, CancellationToken.None));

        Assert.All([live, paused], error => Assert.Contains(whole ? "0 rows on the source, 3,000 on the target" : "rows of the target looked at", error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_row_that_is_removed_everywhere_while_it_is_looked_at_proves_nothing()
    {
        using var task = await bed.NewTaskAsync(Table, Rows, "DELETE FROM items WHERE id = 3000");
        await TestPostgres.ExecuteAsync(task.Target, Table, Rows);

        var found = await CompareAsync(task, whole: false, () => TestPostgres.ExecuteAsync(task.Target, "DELETE FROM items WHERE id = 3000"));

        Assert.StartsWith("0 tables the same as a whole, 1 by", found.Said, StringComparison.Ordinal);
    }

    private static Task<(ComparedAhead Found, string Said)> CompareAsync(TestTask task, bool whole, Func<Task> flush) =>
        LiveComparison.RunAsync(task.Source, task.Target, ["public.items"], TimeSpan.FromSeconds(30), _ => flush(), whole ? 0.75 : 0, IMigrationObserver.None, CancellationToken.None);
}
