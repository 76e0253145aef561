namespace PgMigration.Tests;

public sealed class PgServerTlsTests(TlsPostgres tls) : IClassFixture<TlsPostgres>
{
    private const string IsEncrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

    [Theory]
    [InlineData("disable", false)]
    [InlineData("allow", false)]
    [InlineData("prefer", true)]
    [InlineData("require", true)]
    public async Task Without_a_root_file_each_mode_encrypts_as_in_libpq(string mode, bool isEncrypted) =>
        Assert.Equal(isEncrypted, await TestPostgres.QueryAsync<bool>(tls.By("127.0.0.1").WithSslMode(mode), IsEncrypted));

    [Theory]
    [InlineData("require", "127.0.0.1")]
    [InlineData("verify-ca", "127.0.0.1")]
    [InlineData("verify-full", "localhost")]
    public async Task The_right_authority_is_accepted(string mode, string host) =>
        Assert.True(await TestPostgres.QueryAsync<bool>(tls.By(host).WithSslMode(mode, tls.Authority), IsEncrypted));

    [Theory]
    [InlineData("require")]
    [InlineData("verify-ca")]
    [InlineData("verify-full")]
    public async Task A_certificate_of_another_authority_is_rejected_once_a_root_file_is_given(string mode) =>
        Assert.Equal("TlsCertificateRejected", await ErrorOf(tls.By("localhost").WithSslMode(mode, tls.Stranger)));

    [Fact]
    public async Task A_certificate_for_another_host_is_rejected_by_verify_full() =>
        Assert.Equal("TlsCertificateRejected", await ErrorOf(tls.By("127.0.0.1").WithSslMode("verify-full", tls.Authority)));

    [Fact]
    public async Task Our_authority_is_none_of_the_system_s() =>
        Assert.Equal("TlsCertificateRejected", await ErrorOf(tls.By("localhost").WithSslMode("verify-full", "system")));

    [Theory]
    [InlineData("require")]
    [InlineData("verify-ca")]
    public async Task A_root_file_that_is_missing_is_an_error_and_not_a_weaker_check(string mode) =>
        Assert.Equal("TlsRootCertificateMissing", await ErrorOf(tls.By("localhost").WithSslMode(mode, tls.Authority + ".gone")));

    [Fact]
    public async Task An_address_beside_the_name_is_where_it_connects_and_the_name_is_what_the_certificate_must_hold()
    {
        string options = $"&sslrootcert={tls.Authority}&hostaddr=127.0.0.1&user=postgres&port={tls.Postgres.Port}";

        Assert.True(await TestPostgres.QueryAsync<bool>(PgServer.Parse($"postgres://localhost/postgres?sslmode=verify-full{options}"), IsEncrypted));
        Assert.Equal("TlsCertificateRejected", await ErrorOf(PgServer.Parse($"postgres://db.example.com/postgres?sslmode=verify-full{options}")));
    }

    [Fact]
    public async Task Channel_binding_is_required_when_asked_for()
    {
        var server = PgServer.Parse($"postgres://tls_only:right@localhost:{tls.Postgres.Port}/postgres?channel_binding=require");

        Assert.True(await TestPostgres.QueryAsync<bool>(server.WithSslMode("require"), IsEncrypted));
        Assert.Equal("LoginRefused", await ErrorOf(server.WithSslMode("disable")));
        Assert.Equal("LoginRefused", await ErrorOf(server.WithUser("postgres"))); // whom the server trusts without asking anything
    }

    [Theory]
    [InlineData("scram-sha-256", null)]
    [InlineData("!password,!md5", null)]
    [InlineData("!scram-sha-256", "LoginRefused")]
    public async Task The_way_of_logging_in_is_what_was_asked_for(string methods, string? errorId)
    {
        var server = PgServer.Parse($"postgres://tls_only:right@localhost:{tls.Postgres.Port}/postgres?require_auth={methods}");

        Assert.Equal(errorId, errorId is null ? await TestPostgres.QueryAsync<bool>(server, IsEncrypted) ? null : "plain" : await ErrorOf(server));
    }

    private static async Task<string> ErrorOf(PgServer server) => (await Assert.ThrowsAsync<MigrationException>(() => server.ConnectAsync())).ErrorId;
}
