using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using Xunit;

namespace PgMigration;

/// <summary>
/// A real PostgreSQL server for a collection of tests: made once, on a free port of 127.0.0.1 and a socket in a short folder under /tmp,
/// removed with its data at the end. As a fixture: <c>ICollectionFixture&lt;TestPostgres&gt;</c>; for a server of one's own: <see cref="StartAsync"/>.
/// </summary>
/// <remarks>
/// Anyone may log in as the superuser <c>postgres</c>; members of the role <c>needs_password</c> must give theirs (scram-sha-256).
/// The whole of it lies in <see cref="Folder"/>: data, log and socket.
/// </remarks>
public sealed class TestPostgres : IAsyncLifetime, IAsyncDisposable
{
    private readonly string[] _settings;
    private readonly Func<TestPostgres, Task>? _prepare;
    private readonly string[] _initdb;
    private int _databases;

    /// <summary>The server of a collection fixture.</summary>
    public TestPostgres()
        : this([], null, null, [])
    {
    }

    private TestPostgres(string[] settings, Func<TestPostgres, Task>? prepare, PostgresBinaries? binaries, string[] initdb)
    {
        _initdb = initdb;
        _settings = settings;
        _prepare = prepare;
        Port = FreePort();
        Folder = Path.Combine("/tmp", $"pgm-t{Port.ToString(CultureInfo.InvariantCulture)}-{Guid.NewGuid().ToString("N")[..4]}");
        Local = new LocalServer(binaries ?? PostgresBinaries.Find(), Path.Combine(Folder, "data"), OSUser.Default);
    }

    /// <summary>The folder that holds everything of this server; owned by the OS user that runs it.</summary>
    public string Folder { get; }

    /// <summary>The TCP port on 127.0.0.1, and the number of the socket in <see cref="Folder"/>.</summary>
    public int Port { get; }

    /// <summary>The server's programs and data directory, to stop and start it.</summary>
    public LocalServer Local { get; }

    /// <summary>The database <c>postgres</c> as its superuser over TCP.</summary>
    public PgServer Server => new("127.0.0.1", Port, "postgres", "postgres");

    /// <summary>The same through the Unix-domain socket.</summary>
    public PgServer SocketServer => new(Folder, Port, "postgres", "postgres");

    /// <summary>Makes and starts a server with settings of its own; dispose of it to remove it.</summary>
    /// <param name="settings">Lines of postgresql.conf, such as <c>archive_mode = on</c>.</param>
    /// <param name="prepare">Runs between initdb and the start, such as to put certificates into the data directory.</param>
    /// <param name="binaries">The programs of another major version; null for the newest that is installed.</param>
    /// <param name="initdb">More arguments of initdb, such as <c>--wal-segsize=1</c>.</param>
    public static async Task<TestPostgres> StartAsync(IEnumerable<string> settings, Func<TestPostgres, Task>? prepare = null, PostgresBinaries? binaries = null, params string[] initdb)
    {
        var server = new TestPostgres([.. settings], prepare, binaries, initdb);
        try
        {
            await server.InitializeAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>A port that nobody listens on at this moment.</summary>
    public static int FreePort() => LoopbackPort.Free();

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        await RunAsUserAsync("mkdir", "-m", "0700", Folder);
        await Local.InitializeAsync(arguments: _initdb);
        await File.AppendAllLinesAsync(Path.Combine(Local.DataDirectory, "postgresql.conf"),
        [
            "listen_addresses = '127.0.0.1'",
            $"port = {Port.ToString(CultureInfo.InvariantCulture)}",
            $"unix_socket_directories = '{Folder}'",
            "fsync = off",
            "wal_level = logical",
            "max_prepared_transactions = 20",
            .. _settings,
        ]);
        string rules = Path.Combine(Local.DataDirectory, "pg_hba.conf");
        await File.WriteAllTextAsync(rules, "local all +needs_password scram-sha-256\nhost all +needs_password all scram-sha-256\n" + await File.ReadAllTextAsync(rules));
        await (_prepare?.Invoke(this) ?? Task.CompletedTask);
        await Local.StartAsync();
        await ExecuteAsync(Server, "CREATE ROLE needs_password NOLOGIN");
    }

    /// <summary>A fresh, empty database, owned by a fresh login of the same name that is neither superuser nor may replicate.</summary>
    /// <param name="prefix">The beginning of its name.</param>
    /// <param name="asSuperuser">Return it as the superuser sees it rather than as the ordinary owner does.</param>
    public async Task<PgServer> CreateDatabaseAsync(string prefix = "test", bool asSuperuser = false)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"{prefix}_{Interlocked.Increment(ref _databases)}");
        await ExecuteAsync(Server, $"""CREATE ROLE "{name}" LOGIN""", $"""CREATE DATABASE "{name}" OWNER "{name}" """);
        return new PgServer("127.0.0.1", Port, name, asSuperuser ? "postgres" : name);
    }

    /// <summary>Runs statements one after the other, each in a transaction of its own.</summary>
    public static async Task ExecuteAsync(PgServer server, params string[] statements)
    {
        await using var connection = await server.ConnectAsync();
        foreach (string statement in statements)
        {
            await using var command = new NpgsqlCommand(statement, connection);
            await command.ExecuteNonQueryAsync();
        }
    }

    /// <summary>The first column of the first row.</summary>
    public static async Task<T> QueryAsync<T>(PgServer server, string query)
    {
        await using var connection = await server.ConnectAsync();
        await using var command = new NpgsqlCommand(query, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Writes a file into the data directory, owned by the server's OS user and readable by it alone.</summary>
    public async Task WriteDataFileAsync(string name, string content)
    {
        string path = Path.Combine(Local.DataDirectory, name);
        await RunAsUserAsync("touch", path);
        await File.WriteAllTextAsync(path, content);
        await RunAsUserAsync("chmod", "0600", path);
    }

    /// <inheritdoc cref="IAsyncDisposable.DisposeAsync"/>
    public async Task DisposeAsync()
    {
        await Local.StopAsync("immediate");
        if (Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    ValueTask IAsyncDisposable.DisposeAsync() => new(DisposeAsync());

    private async Task RunAsUserAsync(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(Local.User.Command(program, arguments))!;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} as {Local.User.Name} ended with {process.ExitCode.ToString(CultureInfo.InvariantCulture)}");
    }
}
