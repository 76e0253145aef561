using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;

namespace PgMigration;

/// <summary>An app behind PgBouncer: PAUSE, rewrite the database's entry, RELOAD, RESUME. Its clients see latency and no error.</summary>
/// <remarks>
/// A pooler that ended since it was paused keeps nobody waiting: its file is rewritten all the same, and what starts again reads it. So it is
/// passed over, with a remark, rather than leaving the app's other poolers paused.
/// </remarks>
public sealed class PgBouncerApp : MigrationApp
{
    // A process that has read the old file but does not listen yet is not passed over: it starts within a few milliseconds.
    private static readonly TimeSpan StartsWithin = TimeSpan.FromSeconds(1);

    private readonly List<string> _remarks = [];
    private readonly List<(int ProcessId, int ClientPort)> _cutOff = [];
    private readonly PgServer _console;
    private readonly PgBouncerIni _ini;
    private readonly string _name;
    private Entry? _before;
    private TimeSpan? _longestWait;

    /// <summary>Describes the pooler.</summary>
    /// <param name="console">Its admin console: an admin user on its address, database <c>pgbouncer</c>.</param>
    /// <param name="database">The entry in [databases] that the app connects to.</param>
    /// <param name="configFile">The file that holds the entry, on this machine.</param>
    public PgBouncerApp(PgServer console, string database, string configFile)
    {
        _console = console;
        _name = database;
        _ini = new PgBouncerIni(configFile);
        ConfigFile = configFile;
    }

    /// <inheritdoc/>
    public override string Kind => "PgBouncer";

    /// <summary>The admin console.</summary>
    public PgServer Console => _console;

    /// <summary>The entry that the app connects to.</summary>
    public string Database => _name;

    /// <summary>The file that holds the entry.</summary>
    public string ConfigFile { get; }

    /// <summary>How long clients may keep their server connections after PAUSE before they are disconnected (KILL); null for as long as they like.</summary>
    public TimeSpan? DisconnectAfter { get; init; }

    /// <inheritdoc/>
    public override TimeSpan UsualPauseTimeout => base.UsualPauseTimeout + (DisconnectAfter ?? TimeSpan.Zero);

    /// <summary>The entries of this pooler that are paused with this one, itself among them.</summary>
    internal IReadOnlySet<string> With { get; set; } = new HashSet<string>();

    /// <inheritdoc/>
    public override TimeSpan? LongestWait => _longestWait;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Remarks => _remarks;

    internal override IReadOnlyList<(int ProcessId, int ClientPort)> CutOff => _cutOff;

    /// <inheritdoc/>
    public override async Task CheckAsync(PgServer source, CancellationToken cancel = default)
    {
        var (host, port) = _ini.Read(_name);
        _ini.CheckWritable();
        await using var console = await PgBouncerConsole.ConnectAsync(_console, cancel);
        var entry = await EntryAsync(console, cancel);
        if (entry["host"] != host || entry["port"] != (port ?? "5432"))
        {
            throw new MigrationException("PgBouncerOtherConfig", MigrationErrorKind.InvalidOperation,
                $"PgBouncer's entry '{_name}' points at {entry["host"]}:{entry["port"]}, but {ConfigFile} says {host}:{port}. Give the file it really reads, or RELOAD it first.");
        }

        if (entry["paused"] != "0" || entry["disabled"] != "0")
        {
            throw new MigrationException("PgBouncerAlreadyPaused", MigrationErrorKind.InvalidOperation,
                $"PgBouncer's entry '{_name}' is already paused or disabled. RESUME or ENABLE it first, so that it is clear who lets the app go on.");
        }

        // Whoever comes through another entry is not paused: the fence would end their sessions, and they would go on to the old server.
        var others = new List<string>();
        foreach (var row in await console.AskAsync("SHOW DATABASES", cancel))
        {
            if (row["name"] != _name && !With.Contains(row["name"]!) && (row["port"], row["database"]) == (entry["port"], entry["database"]) && await HostAddresses.AreSameAsync(row["host"], entry["host"], cancel))
            {
                others.Add($"'{row["name"]}'");
            }
        }

        if (others.Count > 0)
        {
            throw new MigrationException("PgBouncerOtherEntries", MigrationErrorKind.InvalidOperation,
                $"PgBouncer's entry '{_name}' is not the only one that leads to the database '{entry["database"]}' at {entry["host"]}:{entry["port"]}: {string.Join(", ", others)} too, and {(others.Count == 1 ? "its" : "their")} clients would not be paused. Name all of them: New-MigrationApp -Database '{_name}', {string.Join(", ", others)}.");
        }

        var config = (await console.AskAsync("SHOW CONFIG", cancel)).ToDictionary(row => row["key"]!, row => row["value"], StringComparer.Ordinal);
        if (Names(config, "stats_users").Contains(_console.User) && !Names(config, "admin_users").Contains(_console.User))
        {
            throw new MigrationException("PgBouncerNotAdmin", MigrationErrorKind.PermissionDenied,
                $"PgBouncer lets {_console.User} look (stats_users) but not PAUSE. Name it in admin_users of {ConfigFile} too, or give another user for -PgBouncer.");
        }

        _longestWait = double.TryParse(config.GetValueOrDefault("query_wait_timeout"), NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && seconds > 0 ? TimeSpan.FromSeconds(seconds) : null;
        string? mode = entry.GetValueOrDefault("pool_mode") ?? config.GetValueOrDefault("pool_mode");
        if (mode == "session" && DisconnectAfter is null)
        {
            throw new MigrationException("PgBouncerSessionMode", MigrationErrorKind.InvalidOperation,
                $"PgBouncer's entry '{_name}' pools by session: PAUSE would wait until every client disconnects. Set pool_mode = transaction for it, let clients that stay be disconnected with -DisconnectAfter, or stop the app by a script block.");
        }

        if (entry["database"] != source.Database)
        {
            throw new MigrationException("PgBouncerOtherDatabase", MigrationErrorKind.InvalidArgument,
                $"PgBouncer's entry '{_name}' leads to the database '{entry["database"]}', not to '{source.Database}', which is cut over. Give the entry of the app that uses it.");
        }

        await CheckLeadsToAsync(source, cancel);
    }

    internal override bool MakesClientsWait => DisconnectAfter is null;

    /// <inheritdoc/>
    public override Task<string?> RememberAsync(CancellationToken cancel = default)
    {
        var (host, port) = _ini.Read(_name);
        _before = new Entry(host, int.Parse(port ?? "5432", CultureInfo.InvariantCulture), _ini.ReadDatabase(_name) ?? _name, Place, _name);
        return Task.FromResult<string?>(JsonSerializer.Serialize(_before));
    }

    /// <summary>Takes what <see cref="RememberAsync"/> gave. Another pooler, or another entry of it, would leave the paused one paused.</summary>
    /// <exception cref="MigrationException"><c>OtherApp</c>.</exception>
    public override void Recall(string remembered)
    {
        var before = JsonSerializer.Deserialize<Entry>(remembered)!;
        if (before.Console is { } console && (before.Name != _name || !IsAt(console)))
        {
            throw new MigrationException("OtherApp", MigrationErrorKind.InvalidArgument,
                $"The cutover was begun with the entry '{before.Name}' of the PgBouncer at {console}, and this is '{_name}' of the one at {Place}. Give the one that was paused: it still is.");
        }

        _before = before;
    }

    /// <inheritdoc/>
    public override async Task PauseAsync(CancellationToken cancel = default)
    {
        _remarks.Clear();
        _cutOff.Clear();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        if (DisconnectAfter is { } limit)
        {
            patience.CancelAfter(limit);
        }

        try
        {
            await DrainAsync(patience.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            await using var console = await PgBouncerConsole.ConnectAsync(_console, cancel); // the first one waits for its PAUSE still
            foreach (var row in (await console.AskAsync("SHOW SERVERS", cancel)).Where(row => row["database"] == _name))
            {
                // over a socket file there is no port to know a session by
                if (int.TryParse(row.GetValueOrDefault("remote_pid"), NumberStyles.None, CultureInfo.InvariantCulture, out int process) && int.TryParse(row.GetValueOrDefault("local_port"), NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port > 0)
                {
                    _cutOff.Add((process, port));
                }
            }

            await console.AskAsync($"KILL {Quoted}", cancel);
            _remarks.Add(string.Create(CultureInfo.InvariantCulture, $"Clients of PgBouncer's entry '{_name}' that kept their connections for {DisconnectAfter!.Value.TotalSeconds:0.###} s were disconnected."));
            await DrainAsync(cancel);
        }
    }

    /// <inheritdoc/>
    public override async Task RepointAsync(PgServer server, CancellationToken cancel = default)
    {
        _remarks.Clear();
        _ini.Write(_name, server);
        await using var console = await FindConsoleAsync(cancel);
        if (console is null)
        {
            _remarks.Add($"PgBouncer at {Place} does not run. {ConfigFile} is rewritten: started again, it leads to {server.Host}.");
            return;
        }

        await console.AskAsync("RELOAD", cancel);
        var entry = await EntryAsync(console, cancel);
        string port = server.Port.ToString(CultureInfo.InvariantCulture);
        if (entry["host"] != server.Host || entry["port"] != port)
        {
            throw new MigrationException("PgBouncerNotRepointed", MigrationErrorKind.InvalidOperation,
                $"After RELOAD PgBouncer's entry '{_name}' still points at {entry["host"]}:{entry["port"]}, expected {server.Host}:{port}. Its log says why the file {ConfigFile} was not taken.");
        }
    }

    /// <inheritdoc/>
    public override Task PointBackAsync(PgServer source, CancellationToken cancel = default) =>
        RepointAsync(_before is { Host: { } host } entry ? source.WithHost(host, entry.Port).WithDatabase(entry.Database) : source, cancel);

    /// <inheritdoc/>
    public override async Task ResumeAsync(CancellationToken cancel = default)
    {
        _remarks.Clear();
        await using var console = await FindConsoleAsync(cancel);
        if (console is null)
        {
            _remarks.Add($"PgBouncer at {Place} does not run, so its clients cannot connect. Start it: it is not paused then, and reads {ConfigFile}.");
        }
        else if ((await EntryAsync(console, cancel))["paused"] != "0")
        {
            await console.AskAsync($"RESUME {Quoted}", cancel);
        }
    }

    private async Task DrainAsync(CancellationToken cancel)
    {
        await using var console = await PgBouncerConsole.ConnectAsync(_console, cancel);
        if ((await EntryAsync(console, cancel))["paused"] == "0")
        {
            await console.WaitAsync($"PAUSE {Quoted}", cancel);
        }

        // "paused" shows while it still waits, and stays after the one who asked has died: drained means no server connection is left.
        while (await EntryAsync(console, cancel) is var entry && (entry["paused"] != "1" || entry["current_connections"] != "0"))
        {
            await Task.Delay(2, cancel);
        }
    }

    /// <summary>The console; null when no process listens there, and none comes up either.</summary>
    private async Task<PgBouncerConsole?> FindConsoleAsync(CancellationToken cancel)
    {
        for (long began = Stopwatch.GetTimestamp(); ; await Task.Delay(50, cancel))
        {
            try
            {
                return await PgBouncerConsole.ConnectAsync(_console, cancel);
            }
            catch (MigrationException error) when (error.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused or SocketError.AddressNotAvailable })
            {
                if (Stopwatch.GetElapsedTime(began) > StartsWithin)
                {
                    return null;
                }
            }
        }
    }

    // Through the pooler as the source's login: does it lead to the server that is cut over? Addresses alone do not tell (names, tunnels).
    private async Task CheckLeadsToAsync(PgServer source, CancellationToken cancel)
    {
        const string Identity = "select system_identifier || ' since ' || extract(epoch from pg_postmaster_start_time()) from pg_control_system()";
        string through;
        try
        {
            await using var pooled = await source.WithHost(_console.Host, _console.Port).WithDatabase(_name).WithSslMode(_console.SslMode, _console.SslRootCert).ConnectAsync(cancel);
            through = await pooled.ScalarAsync<string>(Identity, cancel);
        }
        catch (MigrationException)
        {
            return; // this login is none of the pooler's: then the database's name is all that can be compared
        }

        await using var direct = await source.ConnectAsync(cancel);
        string expected = await direct.ScalarAsync<string>(Identity, cancel);
        if (through != expected)
        {
            throw new MigrationException("PgBouncerOtherServer", MigrationErrorKind.InvalidArgument,
                $"PgBouncer's entry '{_name}' leads to another server than {source} (system identifier and start: {through} against {expected}). Give the pooler of the app that is cut over.");
        }
    }

    // It may be written in another way now (localhost, 127.0.0.1).
    private bool IsAt(string place) => place == Place || (place.LastIndexOf(':') is var colon && place[(colon + 1)..] == Place[(Place.LastIndexOf(':') + 1)..]
        && Task.Run(() => HostAddresses.AreSameAsync(place[..colon], _console.Host, CancellationToken.None)).GetAwaiter().GetResult());

    private string Place => string.Create(CultureInfo.InvariantCulture, $"{_console.Host}:{_console.Port}");

    private static string[] Names(Dictionary<string, string?> config, string key) =>
        config.GetValueOrDefault(key)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    private string Quoted => $"\"{_name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private async Task<Dictionary<string, string?>> EntryAsync(PgBouncerConsole console, CancellationToken cancel) =>
        (await console.AskAsync("SHOW DATABASES", cancel)).Find(row => row["name"] == _name)
        ?? throw new MigrationException("PgBouncerEntryNotFound", MigrationErrorKind.NotFound, $"PgBouncer knows no database '{_name}' (SHOW DATABASES).");

    // Console and name came later than the rest: a journal of before says neither.
    private sealed record Entry(string? Host, int Port, string Database, string? Console = null, string? Name = null);
}
