using PgMigration.DmsModel;

namespace PgMigration.Tests;

/// <summary>What an endpoint that somebody else made does to rows is told before it has.</summary>
[Collection(PostgresCollection.Name)]
public sealed class DmsEndpointSettingsTests(TestPostgres postgres)
{
    [Theory]
    [InlineData("CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()", "trigger tr of public.t")]
    [InlineData("ALTER TABLE t ADD ref int CONSTRAINT fk REFERENCES t", "foreign key fk of public.t")]
    public async Task A_target_endpoint_that_lets_triggers_or_foreign_keys_fire_is_named_with_them_unless_it_or_its_login_says_otherwise(string change, string named)
    {
        var target = await postgres.CreateDatabaseAsync(asSuperuser: true);
        await TestPostgres.ExecuteAsync(target, "CREATE TABLE t (id int PRIMARY KEY)", $"CREATE ROLE writer_{target.Database}");
        var bare = new Endpoint { EndpointIdentifier = "mine", Username = $"writer_{target.Database}" };
        Assert.Empty(await WeaknessesAsync(target, new Endpoint(), bare));
        await TestPostgres.ExecuteAsync(target, change);

        Assert.EndsWith(named, Assert.Single(await WeaknessesAsync(target, new Endpoint(), bare)), StringComparison.Ordinal);
        Assert.Single(await WeaknessesAsync(target, new Endpoint(), bare with { PostgreSQLSettings = new() { AfterConnectScript = "SET session_replication_role = origin" } }));
        Assert.Empty(await WeaknessesAsync(target, new Endpoint(), bare with { PostgreSQLSettings = new() { AfterConnectScript = "set session_replication_role='replica';" } }));
        Assert.Empty(await WeaknessesAsync(target, new Endpoint(), bare with { ExtraConnectionAttributes = "executeTimeout=60;afterConnectScript=SET session_replication_role TO replica" }));
        await TestPostgres.ExecuteAsync(target, $"ALTER ROLE {bare.Username} SET session_replication_role = replica");
        Assert.Empty(await WeaknessesAsync(target, new Endpoint(), bare));
    }

    [Fact]
    public async Task Booleans_that_one_endpoint_maps_and_the_other_does_not_are_named_where_there_are_some()
    {
        var target = await postgres.CreateDatabaseAsync(asSuperuser: true);
        var maps = new Endpoint { PostgreSQLSettings = new() { MapBooleanAsBoolean = true } };

        await TestPostgres.ExecuteAsync(target, "CREATE TABLE t (id int)");
        Assert.Empty(await WeaknessesAsync(target, maps, new Endpoint()));
        await TestPostgres.ExecuteAsync(target, "ALTER TABLE t ADD done boolean");
        Assert.Contains("on the source's endpoint alone", Assert.Single(await WeaknessesAsync(target, maps, new Endpoint())), StringComparison.Ordinal);
        Assert.Empty(await WeaknessesAsync(target, maps, new Endpoint { ExtraConnectionAttributes = "MapBooleanAsBoolean=true" }));
    }

    private static async Task<IReadOnlyList<string>> WeaknessesAsync(PgServer target, Endpoint from, Endpoint to)
    {
        await using var session = await target.ConnectAsync();
        return await DmsEndpointSettings.FindWeaknessesAsync(from, to, session, ["public.t"], CancellationToken.None);
    }
}
