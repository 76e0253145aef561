namespace PgMigration.Tests;

[Collection(PostgresCollection.Name)]
public sealed class TestPostgresTests(TestPostgres postgres)
{
    [Fact]
    public async Task A_database_for_a_test_belongs_to_an_ordinary_login()
    {
        var server = await postgres.CreateDatabaseAsync();

        Assert.Equal(server.Database, await TestPostgres.QueryAsync<string>(server, "SELECT current_database()::text"));
        Assert.False(await TestPostgres.QueryAsync<bool>(server, "SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user"));
    }

    [Fact]
    public async Task The_socket_leads_to_the_same_server()
    {
        const string SystemIdentifier = "SELECT system_identifier FROM pg_control_system()";

        Assert.Equal(await TestPostgres.QueryAsync<long>(postgres.Server, SystemIdentifier), await TestPostgres.QueryAsync<long>(postgres.SocketServer, SystemIdentifier));
    }
}
