using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace PgMigration;

/// <summary>A real PgBouncer on this machine with transaction pooling, as apps of hosted databases use it: for rehearsals and tests.</summary>
public sealed class LocalPgBouncer : IAsyncDisposable
{
    /// <summary>The login of its admin console.</summary>
    public const string AdminLogin = "pooler_admin";

    private readonly WorkFolder _folder;
    private readonly string _name;
    private int? _processId;

    private LocalPgBouncer(WorkFolder folder, string name, string configurationFile, PgServer app, PgServer admin)
    {
        _folder = folder;
        _name = name;
        ConfigurationFile = configurationFile;
        App = app;
        Admin = admin;
    }

    /// <summary>Its ini file, which a cutover may rewrite.</summary>
    public string ConfigurationFile { get; }

    /// <summary>What the application connects to: the pooler in the server's stead.</summary>
    public PgServer App { get; }

    /// <summary>The admin console: database <c>pgbouncer</c>, PAUSE, RELOAD, RESUME.</summary>
    public PgServer Admin { get; }

    /// <summary>Its log.</summary>
    public string LogFile => _folder[_name + ".log"];

    /// <summary>Starts one in front of a host's database, under the same database name.</summary>
    /// <param name="folder">Where its files go; its socket lies in <c>run</c>.</param>
    /// <param name="host">The server behind it.</param>
    /// <param name="poolMode"><c>transaction</c>, <c>session</c> or <c>statement</c>.</param>
    /// <param name="name">What its files are called, so that several can have one folder.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="MigrationException"><c>PgBouncerNotFound</c>, <c>PgBouncerStartFailed</c>.</exception>
    public static async Task<LocalPgBouncer> StartAsync(WorkFolder folder, LockedDownHost host, string poolMode = "transaction", string name = "pooler", CancellationToken cancel = default)
    {
        string program = FindProgram();
        string sockets = await folder.MakeAsync("run", cancel);
        int port = LoopbackPort.Free();
        string adminPassword = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        string users = await folder.WriteAsync($"{name}-users.txt", $"\"{LockedDownHost.AppLogin}\" \"{host.App.FindPassword()}\"\n\"{AdminLogin}\" \"{adminPassword}\"\n", cancel);
        string configuration = await folder.WriteAsync($"{name}.ini", string.Create(CultureInfo.InvariantCulture, $"""
            [databases]
            {host.App.Database} = host={host.App.Host} port={host.App.Port} dbname={host.App.Database}

            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir = {sockets}
            auth_type = scram-sha-256
            auth_file = {users}
            admin_users = {AdminLogin}
            pool_mode = {poolMode}
            default_pool_size = 60
            max_client_conn = 500
            server_login_retry = 1
            logfile = {folder[name + ".log"]}
            pidfile = {folder[name + ".pid"]}

            """), cancel);

        var pooler = new LocalPgBouncer(folder, name, configuration,
            host.App.WithHost("127.0.0.1", port),
            new PgServer("127.0.0.1", port, "pgbouncer", AdminLogin, adminPassword));
        await pooler.LaunchAsync(program, port, cancel);
        return pooler;
    }

    /// <summary>Starts it again after <see cref="DisposeAsync"/>, with the file as it is now.</summary>
    public async Task StartAgainAsync(CancellationToken cancel = default)
    {
        File.Delete(_folder[_name + ".pid"]); // of the one that was killed
        await LaunchAsync(FindProgram(), Admin.Port, cancel);
    }

    /// <summary>Where the program is: on PATH or where Debian puts it.</summary>
    /// <exception cref="MigrationException"><c>PgBouncerNotFound</c>, with what to install.</exception>
    public static string FindProgram() =>
        (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Append("/usr/sbin").Append("/usr/local/sbin")
            .Select(folder => Path.Combine(folder, "pgbouncer")).FirstOrDefault(File.Exists)
        ?? throw new MigrationException("PgBouncerNotFound", MigrationErrorKind.NotFound,
            "PgBouncer was found neither on PATH nor in /usr/sbin. Install it (Debian: apt-get install pgbouncer).");

    /// <summary>Ends it at once; clients lose their connections.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_processId is not { } id)
        {
            return;
        }

        _processId = null;
        try
        {
            using var process = Process.GetProcessById(id);
            process.Kill();
            await process.WaitForExitAsync();
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException)
        {
            // it has ended by itself
        }
    }

    private async Task LaunchAsync(string program, int port, CancellationToken cancel)
    {
        // As a daemon of its own session: Ctrl-C in a terminal reaches the whole foreground group, and must not take the pooler from under the undo.
        var start = _folder.User.Command(program, "-q", "-d", ConfigurationFile);
        start.WorkingDirectory = "/";
        start.RedirectStandardError = true;
        using (var starter = Process.Start(start)!)
        {
            string said = await starter.StandardError.ReadToEndAsync(CancellationToken.None);
            await starter.WaitForExitAsync(CancellationToken.None);
            if (starter.ExitCode != 0)
            {
                throw new MigrationException("PgBouncerStartFailed", MigrationErrorKind.InvalidOperation,
                    $"PgBouncer ended with exit code {starter.ExitCode.ToString(CultureInfo.InvariantCulture)}: {said.Trim()}");
            }
        }

        var deadline = TimeSpan.FromSeconds(15);
        var waited = Stopwatch.StartNew();
        while (true)
        {
            _processId ??= await ReadProcessIdAsync(cancel);
            using var probe = new TcpClient();
            try
            {
                await probe.ConnectAsync("127.0.0.1", port, CancellationToken.None);
                if (_processId is not null)
                {
                    return;
                }
            }
            catch (SocketException) when (waited.Elapsed < deadline)
            {
                // it offers no event when it listens
            }

            if (waited.Elapsed >= deadline || cancel.IsCancellationRequested)
            {
                await DisposeAsync();
                cancel.ThrowIfCancellationRequested();
                throw new MigrationException("PgBouncerStartFailed", MigrationErrorKind.Timeout, $"PgBouncer does not answer on port {port.ToString(CultureInfo.InvariantCulture)}. Its log: {LogFile}");
            }

            await Task.Delay(20, CancellationToken.None);
        }
    }

    private async Task<int?> ReadProcessIdAsync(CancellationToken cancel)
    {
        string file = _folder[_name + ".pid"];
        return File.Exists(file) && int.TryParse((await File.ReadAllTextAsync(file, cancel)).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : null;
    }
}
