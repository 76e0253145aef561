namespace PgMigration.Tests;

[Collection(PostgresCollection.Name)]
public sealed class QueryGateTests(TestPostgres postgres)
{
    [Theory]
    [InlineData("select true", null, null, true)]
    [InlineData("select false", null, null, false)]
    [InlineData("select null::boolean", null, null, false)]
    [InlineData("select 1", null, null, false)]
    [InlineData("select 'true'::text", null, null, false)]
    [InlineData("select true where false", null, null, false)]
    [InlineData("select true from generate_series(1, 2)", null, null, false)]
    [InlineData("select true; select false", null, null, false)]
    [InlineData("select true; select true", null, null, false)]
    [InlineData("select true, true", null, null, false)]
    [InlineData("select no_such_column", null, null, false)]
    [InlineData("select 5", 4d, 6d, true)]
    [InlineData("select 5::numeric(9,4)", null, 5d, false)]
    [InlineData("select 5::bigint", 5d, null, false)]
    [InlineData("select 'NaN'::float8", 0d, null, false)]
    [InlineData("select true", 0d, null, false)]
    public async Task A_query_holds_when_it_says_true_or_a_number_within_its_bounds(string query, double? above, double? below, bool holds)
    {
        var result = await new QueryGate(postgres.Server, query, new GateExpectation(below, above)) { Name = "query" }.TestAsync();

        Assert.True(holds == result.Passed, result.Reason);
    }

    [Fact]
    public async Task A_query_that_writes_is_a_no_and_writes_nothing()
    {
        var server = await postgres.CreateDatabaseAsync();
        await TestPostgres.ExecuteAsync(server, "create table t (x boolean)");

        var result = await new QueryGate(server, "insert into t values (true) returning x") { Name = "query" }.TestAsync();

        Assert.False(result.Passed);
        Assert.Contains("25006", result.Seen, StringComparison.Ordinal); // read_only_sql_transaction
        Assert.Equal(0, await TestPostgres.QueryAsync<long>(server, "select count(*) from t"));
    }

    [Fact]
    public async Task A_query_that_lasts_and_a_server_that_is_gone_are_a_no()
    {
        var slow = await new QueryGate(postgres.Server, "select pg_sleep(60) is not null") { Name = "slow", Timeout = TimeSpan.FromMilliseconds(300) }.TestAsync();
        var gone = await new QueryGate(postgres.Server.WithHost("127.0.0.1", TestPostgres.FreePort()), "select true") { Name = "gone" }.TestAsync();

        Assert.False(slow.Passed);
        Assert.False(gone.Passed);
        Assert.NotEmpty(gone.Seen);
    }
}
