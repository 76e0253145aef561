using System.Diagnostics;
using System.Globalization;

namespace PgMigration.Tests;

/// <summary>Two servers with the database shop and the login app, which the first lets in as it is and the second by its password only; and PgBouncers as a test wants them.</summary>
public sealed class PoolerBed : IAsyncLifetime
{
    private readonly List<int> _processes = [];
    private WorkFolder _folder = null!;
    private TestPostgres _source = null!;
    private TestPostgres _target = null!;

    internal PgServer Source => _source.Server.WithDatabase("shop").WithUser("app").WithPassword("secret");

    internal PgServer Target => _target.Server.WithDatabase("shop").WithUser("app").WithPassword("secret");

    internal string Folder => _folder.Path;

    public async Task InitializeAsync()
    {
        _folder = await WorkFolder.CreateAsync(null, OSUser.Default);
        _source = await TestPostgres.StartAsync(["fsync = off"]);
        _target = await TestPostgres.StartAsync(["fsync = off"]);
        foreach (var server in (TestPostgres[])[_source, _target])
        {
            await using var session = await server.Server.ConnectAsync();
            await session.ExecuteAsync("create role app login password 'secret'", CancellationToken.None);
            await session.ExecuteAsync("create database shop owner app", CancellationToken.None);
        }

        string rules = Path.Combine(_target.Local.DataDirectory, "pg_hba.conf");
        await File.WriteAllTextAsync(rules, $"host all app 127.0.0.1/32 scram-sha-256\n{await File.ReadAllTextAsync(rules)}");
        await using var target = await _target.Server.ConnectAsync();
        await target.ExecuteAsync("select pg_reload_conf()", CancellationToken.None);
    }

    /// <summary>Starts a PgBouncer.</summary>
    /// <param name="entries">Lines of [databases].</param>
    /// <param name="settings">Lines of [pgbouncer], and sections after it.</param>
    /// <param name="users">Lines of its auth_file; null for the app's login with its password, and the console's.</param>
    /// <param name="port">Its port; null for a free one.</param>
    internal async Task<Pooler> StartAsync(string entries, string settings = "", string? users = null, int? port = null)
    {
        string name = $"pooler{_processes.Count}";
        string run = await _folder.MakeAsync(name);
        int listens = port ?? LoopbackPort.Free();
        string list = await _folder.WriteAsync($"{name}/users.txt", users ?? "\"app\" \"secret\"\n\"boss\" \"\"\n");
        string ini = await _folder.WriteAsync($"{name}/pgbouncer.ini", string.Create(CultureInfo.InvariantCulture, $"""
            [databases]
            {entries}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {listens}
            unix_socket_dir = {run}
            auth_type = trust
            auth_file = {list}
            admin_users = boss
            pool_mode = transaction
            logfile = {run}/log
            pidfile = {run}/pid
            {settings}

            """));
        var start = OSUser.Default.Command(LocalPgBouncer.FindProgram(), "-q", "-d", ini);
        start.WorkingDirectory = "/";
        using (var starter = Process.Start(start)!)
        {
            await starter.WaitForExitAsync();
            Assert.Equal(0, starter.ExitCode);
        }

        var pooler = new Pooler(new PgServer("127.0.0.1", listens, "pgbouncer", "boss"), new PgServer(run, listens, "pgbouncer", "boss"), ini);
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(10))
        {
            try
            {
                await pooler.AskAsync("SHOW VERSION");
                break;
            }
            catch (MigrationException) when (clock.Elapsed < TimeSpan.FromSeconds(10))
            {
                // it does not listen yet
            }
        }

        _processes.Add(int.Parse(await File.ReadAllTextAsync($"{run}/pid"), CultureInfo.InvariantCulture));
        return pooler;
    }

    public async Task DisposeAsync()
    {
        foreach (int process in _processes)
        {
            using var pooler = Process.GetProcessById(process);
            pooler.Kill();
        }

        await _source.DisposeAsync();
        await _target.DisposeAsync();
        _folder.Remove();
    }

    /// <summary>One PgBouncer.</summary>
    internal sealed record Pooler(PgServer Tcp, PgServer Socket, string ConfigFile)
    {
        /// <summary>The app behind it, by its socket.</summary>
        public PgBouncerApp App(string entry = "shop") => new(Socket, entry, ConfigFile) { AnswersWithin = TimeSpan.FromSeconds(1) };

        public async Task<List<Dictionary<string, string?>>> AskAsync(string command)
        {
            await using var console = await PgBouncerConsole.ConnectAsync(Socket, CancellationToken.None);
            return await console.AskAsync(command, CancellationToken.None);
        }
    }
}
