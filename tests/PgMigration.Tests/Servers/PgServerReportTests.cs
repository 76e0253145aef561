namespace PgMigration.Tests;

[Collection(PostgresCollection.Name)]
public sealed class PgServerReportTests(TestPostgres postgres)
{
    [Fact]
    public async Task An_ordinary_owner_is_told_its_rights_and_the_server_s_identity()
    {
        var server = await postgres.CreateDatabaseAsync();

        var report = await PgServerReport.ReadAsync(server);

        Assert.Equal((false, false, true, false, false, null), (report.IsSuperuser, report.MayReplicate, report.OwnsDatabase, report.IsReadOnly, report.IsInRecovery, report.Tls));
        Assert.Equal(server.User, report.User);
        Assert.Equal((ulong)await TestPostgres.QueryAsync<long>(server, "SELECT system_identifier FROM pg_control_system()"), report.SystemIdentifier);
        Assert.Equal(1, report.Timeline);
        Assert.NotNull(report.Lsn);
        Assert.StartsWith($"{postgres.Local.Binaries.MajorVersion}", report.Version, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_superuser_and_the_roles_of_a_member_and_a_read_only_default_are_told()
    {
        var server = await postgres.CreateDatabaseAsync();
        await TestPostgres.ExecuteAsync(postgres.Server, $"GRANT pg_monitor TO {server.User}", $"ALTER ROLE {server.User} SET default_transaction_read_only = on");

        var member = await PgServerReport.ReadAsync(server);
        var superuser = await PgServerReport.ReadAsync(postgres.Server);

        Assert.Contains("pg_monitor", member.Roles);
        Assert.True(member.IsReadOnly);
        Assert.True(superuser is { IsSuperuser: true, MayReplicate: true, IsReadOnly: false });
    }

    [Fact]
    public async Task A_standby_says_that_it_is_one()
    {
        await using var standby = await TestPostgres.StartAsync(["restore_command = 'false'"]);
        await standby.Local.StopAsync();
        await standby.WriteDataFileAsync("standby.signal", string.Empty);
        await standby.Local.StartAsync();

        var report = await PgServerReport.ReadAsync(standby.Server);

        Assert.True(report is { IsInRecovery: true, IsReadOnly: true, Timeline: 1 });
    }
}
