using Npgsql;

namespace PgMigration.Tests;

[Collection(PostgresCollection.Name)]
public sealed class PgServerConnectTests(TestPostgres postgres)
{
    [Fact]
    public async Task A_session_begins_with_the_startup_options_behind_the_server_s_own()
    {
        var server = PgServer.Parse($"{postgres.Server}?options=-c%20work_mem%3D5MB%20-c%20search_path%3Dx");

        await using var connection = await server.ConnectAsync("-c work_mem=7MB");
        await using var command = new NpgsqlCommand("SELECT current_setting('work_mem') || ' ' || current_setting('search_path') || ' ' || current_setting('application_name')", connection);

        Assert.Equal("7MB x PgMigration", await command.ExecuteScalarAsync());
    }

    [Theory]
    [InlineData("DatabaseNotFound", "no_such_database", "postgres", null)]
    [InlineData("LoginRefused", "postgres", "no_such_login", null)]
    [InlineData("LoginRefused", "postgres", "locked", "hunter2")]
    [InlineData("PasswordMissing", "postgres", "locked", null)]
    [InlineData("DatabaseAccessDenied", "closed", "guest", null)]
    [InlineData("ConnectionLimitReached", "postgres", "limited", null)]
    public async Task A_refusal_has_its_own_id_and_not_the_secret(string errorId, string database, string user, string? password)
    {
        await TestPostgres.ExecuteAsync(postgres.Server,
            "DO $$ BEGIN CREATE ROLE locked LOGIN PASSWORD 'right' IN ROLE needs_password; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
            "DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
            "DO $$ BEGIN CREATE ROLE limited LOGIN CONNECTION LIMIT 0; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
        if (!await TestPostgres.QueryAsync<bool>(postgres.Server, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'closed')"))
        {
            await TestPostgres.ExecuteAsync(postgres.Server, "CREATE DATABASE closed", "REVOKE CONNECT ON DATABASE closed FROM PUBLIC");
        }

        var server = new PgServer("127.0.0.1", postgres.Port, database, user, password);
        var error = await Assert.ThrowsAsync<MigrationException>(() => server.ConnectAsync());

        Assert.Equal(errorId, error.ErrorId);
        Assert.DoesNotContain("hunter2", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_from_the_password_file_opens_the_door_and_the_connection_does_not_show_it()
    {
        string file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "127.0.0.1:*:*:keeper:right");
        await TestPostgres.ExecuteAsync(postgres.Server, "CREATE ROLE keeper LOGIN PASSWORD 'right' IN ROLE needs_password");

        await using var connection = await new PgServer("127.0.0.1", postgres.Port, "postgres", "keeper").WithPasswordFile(file).ConnectAsync();

        Assert.DoesNotContain("right", connection.ConnectionString, StringComparison.Ordinal);
        File.Delete(file);
    }

    [Fact]
    public async Task A_port_where_nobody_listens_is_a_server_that_cannot_be_reached()
    {
        var error = await Assert.ThrowsAsync<MigrationException>(() => new PgServer("127.0.0.1", TestPostgres.FreePort(), "d", "u", "hunter2").ConnectAsync());

        Assert.Equal(("ServerUnreachable", MigrationErrorKind.Connection), (error.ErrorId, error.Kind));
        Assert.DoesNotContain("hunter2", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_socket_needs_no_TLS_whatever_the_mode_as_in_libpq()
    {
        await using var connection = await postgres.SocketServer.WithSslMode("require").ConnectAsync();

        Assert.Equal(System.Data.ConnectionState.Open, connection.State);
    }

    [Fact]
    public async Task A_server_without_TLS_is_refused_when_TLS_is_demanded()
    {
        var error = await Assert.ThrowsAsync<MigrationException>(() => postgres.Server.WithSslMode("require").ConnectAsync());

        Assert.Equal("TlsRefused", error.ErrorId);
    }

    [Fact]
    public async Task A_cancelled_attempt_is_a_cancellation_and_not_an_error_of_the_server()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => postgres.Server.ConnectAsync(cancelled.Token));
    }

    [Fact]
    public async Task A_server_that_accepts_and_says_nothing_does_not_hold_up_who_wants_no_more()
    {
        using var mute = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        mute.Start();
        using var cancel = new CancellationTokenSource();
        var opening = PgServer.Parse($"postgres://nobody@127.0.0.1:{((System.Net.IPEndPoint)mute.LocalEndpoint).Port}/none?sslmode=disable&connect_timeout=60").ConnectAsync(cancel.Token);
        using var accepted = await mute.AcceptTcpClientAsync();

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening.WaitAsync(TimeSpan.FromSeconds(30)));
    }
}
