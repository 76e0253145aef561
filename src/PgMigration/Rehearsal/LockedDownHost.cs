using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Npgsql;

namespace PgMigration;

/// <summary>
/// A throwaway server that behaves like a hosted database: the app's login owns its database and has neither superuser nor replication,
/// speaks scram over TCP, and WAL leaves by an archive_command that the login cannot touch.
/// </summary>
public sealed class LockedDownHost : IAsyncDisposable
{
    /// <summary>The superuser that a hosting company keeps to itself. Not called postgres, since nothing may count on that name.</summary>
    public const string SuperuserName = "hostadmin";

    /// <summary>The login that the app, and so the migration, has.</summary>
    public const string AppLogin = "app";

    /// <summary>The database that moves.</summary>
    public const string DatabaseName = "app";

    private LockedDownHost(LocalServer local, PgServer app, PgServer superuser)
    {
        Local = local;
        App = app;
        Superuser = superuser;
    }

    /// <summary>The server by its data directory.</summary>
    public LocalServer Local { get; }

    /// <summary>The database as the app's login sees it: by TCP, with a password.</summary>
    public PgServer App { get; }

    /// <summary>The database as the hosting company sees it: by a socket that only it can reach. For setting up and for proofs, never for the migration.</summary>
    public PgServer Superuser { get; }

    /// <summary>Makes the server in a work folder and starts it.</summary>
    /// <param name="folder">Where; the data directory is <c>host</c>, the socket lies in <c>run</c>.</param>
    /// <param name="options">How.</param>
    /// <param name="cancel">Ends it between two steps; nothing keeps running.</param>
    /// <exception cref="MigrationException"><c>HostNotLockedDown</c> when the login can do what it must not; <c>HostDoesNotArchive</c>.</exception>
    public static async Task<LockedDownHost> CreateAsync(WorkFolder folder, LockedDownHostOptions options, CancellationToken cancel = default)
    {
        string sockets = await folder.MakeAsync("run", cancel);
        int port = LoopbackPort.Free();
        string password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var local = new LocalServer(options.Binaries, folder["host"], folder.User);

        // initdb leaves its children behind when it is abandoned, and takes a second: it is let through to its end
        await local.InitializeAsync(SuperuserName, CancellationToken.None, string.Create(CultureInfo.InvariantCulture, $"--wal-segsize={options.SegmentMegabytes}"));
        cancel.ThrowIfCancellationRequested();
        await folder.WriteAsync("host/pg_hba.conf", HostRules, cancel);
        await folder.WriteAsync("host/postgresql.conf", Configuration(options, sockets, port), cancel);

        var superuser = new PgServer(sockets, port, DatabaseName, SuperuserName);
        var host = new LockedDownHost(local, new PgServer("127.0.0.1", port, DatabaseName, AppLogin, password), superuser);
        try
        {
            await local.StartAsync(cancel: CancellationToken.None);
            await host.CreateDatabaseAsync(cancel);
            await host.ProveLockedDownAsync(cancel);
            await host.ProveArchivingAsync(cancel);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Proves that the app's login can do no more than on a real host.</summary>
    /// <exception cref="MigrationException"><c>HostNotLockedDown</c>, with what it could do.</exception>
    public async Task ProveLockedDownAsync(CancellationToken cancel = default)
    {
        await using var connection = await App.ConnectAsync(cancel);
        foreach (string forbidden in (string[])["SELECT pg_switch_wal()", "SELECT pg_create_restore_point('x')", "SELECT pg_read_file('PG_VERSION')", "CREATE ROLE other", "ALTER SYSTEM SET work_mem = '5MB'"])
        {
            try
            {
                await connection.ExecuteAsync(forbidden, cancel);
            }
            catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                continue;
            }

            throw new MigrationException("HostNotLockedDown", MigrationErrorKind.InvalidOperation,
                $"The login {AppLogin} of the rehearsal's host could run '{forbidden}', which a locked-down host refuses. The rehearsal would prove nothing; this is a fault in PgMigration: please report it.");
        }

        if (await connection.ScalarAsync<bool>("SELECT rolsuper OR rolreplication OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user", cancel))
        {
            throw new MigrationException("HostNotLockedDown", MigrationErrorKind.InvalidOperation,
                $"The login {AppLogin} of the rehearsal's host has a role attribute that a locked-down host does not grant. This is a fault in PgMigration: please report it.");
        }
    }

    /// <summary>Proves that a segment gets into the archive. Without that the end of a backup would wait for ever.</summary>
    /// <exception cref="MigrationException"><c>HostDoesNotArchive</c>, with what archive_command said.</exception>
    public async Task ProveArchivingAsync(CancellationToken cancel = default)
    {
        await using var connection = await Superuser.ConnectAsync(cancel);
        string segment = await connection.ScalarAsync<string>("SELECT pg_walfile_name(pg_logical_emit_message(true, 'host', 'the first segment'))", cancel);
        await connection.ExecuteAsync("SELECT pg_switch_wal()", cancel);
        for (var clock = Stopwatch.StartNew(); ;)
        {
            // two failures: the archiver tries again by itself, and a first one may have passed by then
            string state = await connection.ScalarAsync<string>(
                "SELECT CASE WHEN last_archived_wal >= $1 THEN 'archived' WHEN failed_count >= 2 THEN 'failed' ELSE 'waiting' END FROM pg_stat_archiver", cancel, new NpgsqlParameter { Value = segment });
            if (state == "archived")
            {
                return;
            }

            if (state == "failed" || clock.Elapsed > TimeSpan.FromSeconds(30))
            {
                throw new MigrationException("HostDoesNotArchive", MigrationErrorKind.InvalidOperation,
                    $"The rehearsal's host cannot archive its segment {segment}: {string.Join(' ', File.ReadLines(Local.LogFile).TakeLast(4))}");
            }

            await Task.Delay(20, cancel);
        }
    }

    /// <summary>Stops the server at once; its files stay until the work folder goes.</summary>
    public async ValueTask DisposeAsync() => await Local.StopAsync("immediate", CancellationToken.None);

    /// <summary>Stops the server in good order, so that its data directory can be looked at later.</summary>
    public Task StopAsync(CancellationToken cancel = default) => Local.StopAsync("fast", cancel);

    private const string HostRules = $"""
        # the hosting company's own way in: a socket in a folder that is closed to others
        local all {SuperuserName} trust
        local all all reject
        # customers
        host all {SuperuserName} 127.0.0.1/32 reject
        host replication all 127.0.0.1/32 reject
        host all all 127.0.0.1/32 scram-sha-256

        """;

    private static string Configuration(LockedDownHostOptions options, string sockets, int port)
    {
        string seconds = ((int)options.ArchiveTimeout.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        IEnumerable<string> lines =
        [
            "listen_addresses = '127.0.0.1'",
            string.Create(CultureInfo.InvariantCulture, $"port = {port}"),
            $"unix_socket_directories = {Quote(sockets)}",
            "password_encryption = scram-sha-256",
            "max_connections = 120",
            "shared_buffers = 128MB",
            "wal_level = replica",
            "archive_mode = on",
            $"archive_command = {Quote(options.ArchiveCommand)}",
            $"archive_timeout = {seconds}s",
            "checkpoint_timeout = 5min",
            "max_wal_size = 2GB",
            "log_line_prefix = '%m [%p] %q%u@%d '",
            .. options.Settings,
        ];
        return string.Join('\n', lines) + "\n";
    }

    // guc-file.l: a quote in a setting's value is doubled, a backslash begins an escape
    private static string Quote(string value) => $"'{value.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'";

    private async Task CreateDatabaseAsync(CancellationToken cancel)
    {
        await using var connection = await Superuser.WithDatabase("postgres").ConnectAsync(cancel);

        // CREATE ROLE takes no parameters: the password is our own hexadecimal, and the name a constant
        foreach (string statement in (string[])
            [
                $"CREATE ROLE {AppLogin} LOGIN NOSUPERUSER NOREPLICATION NOCREATEROLE NOCREATEDB PASSWORD '{App.FindPassword()}'",
                $"CREATE DATABASE {DatabaseName} OWNER {AppLogin}",
                $"REVOKE CONNECT, TEMPORARY ON DATABASE {DatabaseName} FROM PUBLIC",

                // A checkpointer that has just been started sleeps for checkpoint_timeout before it first looks at archive_timeout
                // (seen on 15.18); a real host has been up for longer.
                "CHECKPOINT",
            ])
        {
            await connection.ExecuteAsync(statement, cancel);
        }
    }
}
