using Npgsql;

namespace PgMigration.Tests;

[Collection(RehearsalCollection.Name)]
public sealed class LockedDownHostTests(RehearsalFixture fixture)
{
    [Theory]
    [InlineData("SELECT pg_switch_wal()")]
    [InlineData("SELECT pg_create_restore_point('here')")]
    [InlineData("SELECT pg_backup_start('mine', true)")]
    [InlineData("SELECT pg_create_physical_replication_slot('mine')")]
    [InlineData("ALTER SYSTEM SET archive_command = ''")]
    [InlineData("CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p")]
    public async Task The_login_is_refused_what_a_host_refuses(string statement)
    {
        await using var connection = await fixture.Host.App.ConnectAsync();
        await using var command = new NpgsqlCommand(statement, connection);

        var refused = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync());

        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
    }

    [Fact]
    public async Task The_login_owns_its_database_and_needs_its_password()
    {
        await using var connection = await fixture.Host.App.ConnectAsync();
        await using var command = new NpgsqlCommand("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()", connection);
        Assert.Equal(LockedDownHost.AppLogin, await command.ExecuteScalarAsync());

        var withWrongPassword = new PgServer("127.0.0.1", fixture.Host.App.Port, LockedDownHost.DatabaseName, LockedDownHost.AppLogin, "wrong");
        var error = await Assert.ThrowsAnyAsync<Exception>(() => withWrongPassword.ConnectAsync());
        Assert.Contains("28P01", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_whose_login_may_do_more_is_found_out()
    {
        await using var connection = await fixture.Host.Superuser.ConnectAsync();
        await using var grant = new NpgsqlCommand($"GRANT EXECUTE ON FUNCTION pg_switch_wal() TO {LockedDownHost.AppLogin}", await fixture.Host.Superuser.ConnectAsync());
        await grant.ExecuteNonQueryAsync();
        try
        {
            var found = await Assert.ThrowsAsync<MigrationException>(() => fixture.Host.ProveLockedDownAsync());
            Assert.Equal("HostNotLockedDown", found.ErrorId);
            Assert.Contains("pg_switch_wal", found.Message, StringComparison.Ordinal);
        }
        finally
        {
            await using var revoke = new NpgsqlCommand($"REVOKE EXECUTE ON FUNCTION pg_switch_wal() FROM {LockedDownHost.AppLogin}", connection);
            await revoke.ExecuteNonQueryAsync();
        }
    }

    [Fact]
    public async Task A_host_whose_archive_takes_nothing_is_not_begun_with()
    {
        var folder = await WorkFolder.CreateAsync(path: null, OSUser.Default);
        try
        {
            var found = await Assert.ThrowsAsync<MigrationException>(() => LockedDownHost.CreateAsync(folder,
                new LockedDownHostOptions { Binaries = PostgresBinaries.Find(), ArchiveCommand = "echo the disk is full >&2; false" }));

            Assert.Equal("HostDoesNotArchive", found.ErrorId);
            Assert.Contains("the disk is full", found.Message, StringComparison.Ordinal);
            Assert.False(File.Exists(folder["host/postmaster.pid"]));
        }
        finally
        {
            folder.Remove();
        }
    }

    [Fact]
    public async Task It_archives_from_and_into_a_folder_whose_name_holds_spaces_quotes_and_percent_signs()
    {
        var folder = await WorkFolder.CreateAsync(Path.Combine(Path.GetTempPath(), "pgm %f 'ü' " + Guid.NewGuid().ToString("N")[..8]), OSUser.Default);
        try
        {
            string archive = await folder.MakeAsync("archive");

            await using var host = await LockedDownHost.CreateAsync(folder, new LockedDownHostOptions
            {
                Binaries = PostgresBinaries.Find(), ArchiveCommand = $"cp %p {LockedDownHostOptions.Word(archive)}/%f",
            });

            Assert.NotEmpty(Directory.GetFiles(archive));
        }
        finally
        {
            folder.Remove();
        }
    }

    [Fact]
    public async Task Its_segments_arrive_in_the_archive_without_anybody_asking()
    {
        await using var connection = await fixture.Host.App.ConnectAsync();
        await using var write = new NpgsqlCommand("SELECT pg_walfile_name(pg_logical_emit_message(true, 'test', 'a record to archive'))", connection);
        string segment = (string)(await write.ExecuteScalarAsync())!;

        // archive_timeout is a second here; PostgreSQL offers no event for it
        var deadline = DateTime.UtcNow.AddSeconds(20);
        string file = Path.Combine(fixture.ArchiveFolder, segment);
        while (!File.Exists(file) && DateTime.UtcNow < deadline)
        {
            await Task.Delay(50);
        }

        Assert.Equal(16 * 1024 * 1024, new FileInfo(file).Length);
    }

    [Fact]
    public async Task The_filled_database_has_every_kind_of_table_that_the_rehearsal_promises()
    {
        await using var connection = await fixture.Host.App.ConnectAsync();
        await using var command = new NpgsqlCommand(
            """
            SELECT (SELECT count(DISTINCT table_schema) FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')),
                   (SELECT count(*) FROM pg_attribute WHERE attidentity <> ''),
                   (SELECT count(*) FROM information_schema.columns WHERE column_default LIKE 'nextval%'),
                   (SELECT count(*) FROM pg_class WHERE relname = 'Odd "Name"'),
                   (SELECT sum(octet_length(attachment)) FROM shop.document)
            """, connection);
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();

        Assert.True(reader.GetInt64(0) >= 3);
        Assert.True(reader.GetInt64(1) >= 2);
        Assert.True(reader.GetInt64(2) >= 3);
        Assert.Equal(1, reader.GetInt64(3));
        Assert.True(reader.GetInt64(4) > 100_000);
    }
}
