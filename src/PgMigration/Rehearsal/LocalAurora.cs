using System.Globalization;
using System.Security.Cryptography;

namespace PgMigration;

/// <summary>
/// A throwaway server that behaves like a managed service: the administrator's login is no superuser, may not read the machine's files, and was granted
/// what rds_superuser may do here.
/// </summary>
/// <remarks>
/// What it does not imitate: Aurora's storage, its parameter groups and its extensions' list. It takes <c>SET session_replication_role</c> by a grant, which
/// PostgreSQL has from 15 on, where the service's own role may do so by itself.
/// </remarks>
public sealed class LocalAurora : IAsyncDisposable
{
    /// <summary>The superuser that the service keeps to itself.</summary>
    public const string SuperuserName = "rdsadmin";

    /// <summary>The administrator that the customer gets.</summary>
    public const string AdministratorName = "aurora_admin";

    /// <summary>The first major version that can grant what the service's administrator may do.</summary>
    public const int FirstMajorVersion = 15;

    private readonly LocalServer _local;

    private LocalAurora(LocalServer local, PgServer administrator, PgServer app, PgServer superuser)
    {
        _local = local;
        Administrator = administrator;
        App = app;
        Superuser = superuser;
    }

    /// <summary>The database as the customer's administrator.</summary>
    public PgServer Administrator { get; }

    /// <summary>The database as the app.</summary>
    public PgServer App { get; }

    /// <summary>The database as the service itself, by a socket: for setting up and for proofs, never for the migration.</summary>
    public PgServer Superuser { get; }

    /// <summary>Makes the server in a work folder and starts it.</summary>
    /// <param name="folder">Where; the data directory is <c>aurora</c>, the socket lies in <c>run</c>.</param>
    /// <param name="binaries">The programs.</param>
    /// <param name="app">The app's login, database and password, which are the same here.</param>
    /// <param name="cancel">Ends it between two steps; nothing keeps running.</param>
    /// <exception cref="MigrationException"><c>RehearsalNeedsNewer</c>.</exception>
    public static async Task<LocalAurora> CreateAsync(WorkFolder folder, PostgresBinaries binaries, PgServer app, CancellationToken cancel = default)
    {
        if (binaries.MajorVersion < FirstMajorVersion)
        {
            throw new MigrationException("RehearsalNeedsNewer", MigrationErrorKind.NotSupported, string.Create(CultureInfo.InvariantCulture,
                $"The rehearsal's Aurora needs PostgreSQL {FirstMajorVersion} or newer, since older ones cannot grant session_replication_role; found {binaries.MajorVersion} in {binaries.Folder}. Give another -PostgresBin, or rehearse -Leg 1."));
        }

        string sockets = await folder.MakeAsync("run", cancel);
        int port = LoopbackPort.Free();
        string password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var local = new LocalServer(binaries, folder["aurora"], folder.User);
        await local.InitializeAsync(SuperuserName, CancellationToken.None);
        cancel.ThrowIfCancellationRequested();
        await folder.WriteAsync("aurora/pg_hba.conf", $"local all {SuperuserName} trust\nhost all {SuperuserName} all reject\nhost all all 127.0.0.1/32 scram-sha-256\n", cancel);
        await folder.WriteAsync("aurora/postgresql.conf", string.Create(CultureInfo.InvariantCulture, $"""
            listen_addresses = '127.0.0.1'
            port = {port}
            unix_socket_directories = '{sockets}'
            password_encryption = scram-sha-256
            max_connections = 120
            shared_buffers = 128MB
            max_wal_size = 2GB
            log_line_prefix = '%m [%p] %q%u@%d '

            """), cancel);
        var superuser = new PgServer(sockets, port, app.Database, SuperuserName);
        var aurora = new LocalAurora(local, new PgServer("127.0.0.1", port, app.Database, AdministratorName, password), app.WithHost("127.0.0.1", port), superuser);
        try
        {
            await local.StartAsync(cancel: CancellationToken.None);
            await using var session = await superuser.WithDatabase("postgres").ConnectAsync(cancel);
            string name = SequenceStatements.Quote(app.User);

            // CREATE ROLE takes no parameters: the passwords are our own hexadecimal
            foreach (string statement in (string[])
                [
                    $"CREATE ROLE {AdministratorName} LOGIN NOSUPERUSER CREATEROLE CREATEDB PASSWORD '{password}'",
                    $"CREATE ROLE {name} LOGIN NOSUPERUSER PASSWORD '{app.FindPassword()}'",
                    $"GRANT {name} TO {AdministratorName}",
                    $"GRANT SET ON PARAMETER session_replication_role TO {AdministratorName}",
                    $"CREATE DATABASE {SequenceStatements.Quote(app.Database)} OWNER {name}",
                ])
            {
                await session.ExecuteAsync(statement, cancel);
            }

            return aurora;
        }
        catch
        {
            await aurora.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops the server at once; its files stay until the work folder goes.</summary>
    public async ValueTask DisposeAsync() => await _local.StopAsync("immediate", CancellationToken.None);
}
