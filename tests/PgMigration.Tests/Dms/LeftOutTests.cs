namespace PgMigration.Tests;

/// <summary>A table that nobody decided to leave behind is told from one that somebody did.</summary>
[Collection(PostgresCollection.Name)]
public sealed class LeftOutTests(TestPostgres postgres)
{
    [Fact]
    public async Task What_the_first_start_leaves_out_is_known_and_what_comes_later_is_new_until_a_start_excludes_it()
    {
        var source = await postgres.CreateDatabaseAsync(asSuperuser: true);
        await TestPostgres.ExecuteAsync(source, "CREATE TABLE moved (id int)", "CREATE TABLE logs (id int)", "CREATE SCHEMA pgmigration");
        await using var session = await source.ConnectAsync();
        Task RememberAsync(params string[] exclude) => LeftOut.RememberAsync(session, new HashSet<string> { "public.moved" }, new DmsReplicationOptions { Exclude = exclude }, CancellationToken.None);
        async Task<string> FoundAsync() => await LeftOut.FindAsync(session, ["public.moved"], CancellationToken.None) is var (known, since) ? $"{string.Join(' ', known)} | {string.Join(' ', since)}" : string.Empty;

        Assert.Equal("public.logs | ", await FoundAsync()); // nobody noted anything yet
        await RememberAsync();
        await TestPostgres.ExecuteAsync(source, "CREATE TABLE late (id int)", "CREATE TABLE later (id int)", "CREATE TABLE parts (id int) PARTITION BY RANGE (id)", "CREATE TABLE part_9 PARTITION OF parts FOR VALUES FROM (9) TO (10)");
        Assert.Equal("public.logs | public.late public.later public.part_9", await FoundAsync());
        await RememberAsync("late", "public.part*");
        Assert.Equal("public.late public.logs public.part_9 | public.later", await FoundAsync());
        await LeftOut.ForgetAsync(session, CancellationToken.None);
        Assert.Equal("public.late public.later public.logs public.part_9 | ", await FoundAsync());
    }
}
