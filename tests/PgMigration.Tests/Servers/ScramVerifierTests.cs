using System.Net;

namespace PgMigration.Tests;

[Collection(PostgresCollection.Name)]
public sealed class ScramVerifierTests(TestPostgres postgres)
{
    [Theory]
    [InlineData("its own")]
    [InlineData("pässwörd'\\ ½")]
    public async Task A_role_made_with_a_verifier_logs_in_with_the_password_and_with_no_other(string password)
    {
        string verifier = ScramVerifier.Of(new NetworkCredential(string.Empty, password).SecurePassword);
        string role = $"verified_{Guid.NewGuid().ToString("N")[..8]}";
        await TestPostgres.ExecuteAsync(postgres.Server, $"CREATE ROLE {role} LOGIN PASSWORD '{verifier}' IN ROLE needs_password");
        var login = postgres.Server.WithUser(role);

        Assert.Equal(role, await TestPostgres.QueryAsync<string>(login.WithPassword(password), "SELECT current_user::text"));
        await Assert.ThrowsAsync<MigrationException>(() => TestPostgres.QueryAsync<string>(login.WithPassword("another"), "SELECT 1::text"));
        Assert.DoesNotContain(password, verifier, StringComparison.Ordinal);
        Assert.NotEqual(verifier, ScramVerifier.Of(new NetworkCredential(string.Empty, password).SecurePassword));
    }
}
