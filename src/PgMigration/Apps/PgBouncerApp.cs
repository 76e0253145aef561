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
public sealed partial class PgBouncerApp : MigrationApp
{
    // A process that has read the old file but does not listen yet is not passed over: it starts within a few milliseconds.
    private static readonly TimeSpan StartsWithin = TimeSpan.FromSeconds(1);

    private const string LoginRetry = "server_login_retry";
    private static readonly TimeSpan LoginsEndWithin = TimeSpan.FromSeconds(3);

    private readonly List<string> _remarks = [];
    private readonly List<(int ProcessId, int ClientPort)> _cutOff = [];
    private readonly PgServer _console;
    private readonly PgBouncerIni _ini;
    private readonly string _name;
    private readonly List<UnprovenPath> _unproven = [];
    private Entry? _before;
    private TimeSpan? _longestWait;
    private PgServer? _login;
    private string? _loginRetry;

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

    /// <inheritdoc/>
    public override IReadOnlyList<UnprovenPath> Unproven => _unproven;

    /// <summary>How long a login through the pooler, and its one query, may take.</summary>
    internal TimeSpan AnswersWithin { get; init; } = TimeSpan.FromSeconds(10);

    internal override IReadOnlyList<(int ProcessId, int ClientPort)> CutOff => _cutOff;

    internal override bool MakesClientsWait => DisconnectAfter is null;

    /// <inheritdoc/>
    public override Task<string?> RememberAsync(CancellationToken cancel = default)
    {
        var (host, port) = _ini.Read(_name);
        _before = new Entry(host, int.Parse(port ?? "5432", CultureInfo.InvariantCulture), _ini.ReadDatabase(_name) ?? _name, Place, _name, _loginRetry);
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
        _loginRetry ??= before.LoginRetry;
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
            await RetryLoginsAtOnceAsync(console, cancel);
            await console.AskAsync($"RESUME {Quoted}", cancel);
        }
    }

    /// <inheritdoc/>
    public override async Task<string?> ProveAsync(IReadOnlyList<PgServer> logins, string identity, CancellationToken cancel = default)
    {
        _remarks.Clear();
        await using var console = await FindConsoleAsync(cancel);
        if (console is null)
        {
            return null; // its remark was made when the app was resumed
        }

        var entry = await EntryAsync(console, cancel);
        try
        {
            if (await FindAnswerAsync(Candidates(entry, logins), cancel) is not ({ } answer, { } login))
            {
                _remarks.Add($"No query through PgBouncer's entry '{_name}' proves that its clients are answered: none of the logins that are known here may use it. Look at SHOW SERVERS, and at PgBouncer's log.");
                await WaitForClientsAsync(console, cancel);
                return null;
            }

            return answer == identity ? $"a query of {login.User} through the entry '{_name}' was answered by the server there"
                : throw new MigrationException("PgBouncerOtherServer", MigrationErrorKind.InvalidOperation,
                    $"A query through PgBouncer's entry '{_name}' was answered by another server than {entry["host"]}:{entry["port"]} is expected to be ({answer}, expected {identity}). Check what that address is on the pooler's machine, and that one process serves {Place}.");
        }
        catch (MigrationException error) when (error.ErrorId is "PgBouncerRefused" or "PgBouncerSilent")
        {
            throw new MigrationException("PgBouncerNotAnswering", MigrationErrorKind.Connection,
                $"PgBouncer was resumed, but a query through its entry '{_name}' is not answered by {entry["host"]}:{entry["port"]}: {error.Message} PgBouncer's log says why.", error);
        }
        finally
        {
            await RetryLoginsAsBeforeAsync(console);
        }
    }

    private async Task DrainAsync(CancellationToken cancel)
    {
        await using var console = await PgBouncerConsole.ConnectAsync(_console, cancel);
        if ((await EntryAsync(console, cancel))["paused"] == "0")
        {
            await WaitForLoginsAsync(console, cancel);
            await console.WaitAsync($"PAUSE {Quoted}", cancel);
        }

        // "paused" shows while it still waits, and stays after the one who asked has died: drained means no server connection is left.
        while (await EntryAsync(console, cancel) is var entry && (entry["paused"] != "1" || entry["current_connections"] != "0"))
        {
            await Task.Delay(2, cancel);
        }
    }

    // PAUSE breaks off a server login that is under way, takes that for a failure of the server, and then opens no connection for
    // server_login_retry, also after RESUME. The console reports no event, and a server that is slow to log in is not waited for longer than this.
    private async Task WaitForLoginsAsync(WireSession console, CancellationToken cancel)
    {
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < LoginsEndWithin && await CountAsync(console, "sv_login", cancel) > 0;)
        {
            await Task.Delay(1, cancel);
        }
    }

    // Without a client of our own: the app's are served, or none waits.
    private async Task WaitForClientsAsync(WireSession console, CancellationToken cancel)
    {
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < LoginsEndWithin && await CountAsync(console, "cl_waiting", cancel) > 0;)
        {
            await Task.Delay(5, cancel);
        }
    }

    private async Task<int> CountAsync(WireSession console, string column, CancellationToken cancel) =>
        (await console.AskAsync("SHOW POOLS", cancel)).Where(row => row["database"] == _name).Sum(row => int.TryParse(row.GetValueOrDefault(column), NumberStyles.None, CultureInfo.InvariantCulture, out int count) ? count : 0);

    // A login may have begun between the last look and PAUSE.
    private async Task RetryLoginsAtOnceAsync(WireSession console, CancellationToken cancel)
    {
        string? now = (await console.AskAsync("SHOW CONFIG", cancel)).Find(row => row["key"] == LoginRetry)?["value"];
        if (now is not (null or "0"))
        {
            _loginRetry = now; // zero is what a session that died here has left
            await console.AskAsync($"SET {LoginRetry} = 0", cancel);
        }
    }

    private async Task RetryLoginsAsBeforeAsync(WireSession console)
    {
        if (_loginRetry is null)
        {
            return;
        }

        try
        {
            await console.AskAsync($"SET {LoginRetry} = {_loginRetry}", CancellationToken.None);
        }
        catch (Exception error) when (error is MigrationException or IOException)
        {
            _remarks.Add($"PgBouncer's {LoginRetry} is 0, and was {_loginRetry} s before: it could not be set again. RELOAD in its console sets what {ConfigFile} says.");
        }
    }

    /// <summary>The console; null when no process listens there, and none comes up either.</summary>
    private async Task<WireSession?> FindConsoleAsync(CancellationToken cancel)
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

    // It may be written in another way now (localhost, 127.0.0.1).
    private bool IsAt(string place) => place == Place || (place.LastIndexOf(':') is var colon && place[(colon + 1)..] == Place[(Place.LastIndexOf(':') + 1)..]
        && Task.Run(() => HostAddresses.AreSameAsync(place[..colon], _console.Host, CancellationToken.None)).GetAwaiter().GetResult());

    private string Place => string.Create(CultureInfo.InvariantCulture, $"{_console.Host}:{_console.Port}");

    private string Quoted => $"\"{_name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private async Task<Dictionary<string, string?>> EntryAsync(WireSession console, CancellationToken cancel) =>
        (await console.AskAsync("SHOW DATABASES", cancel)).Find(row => row["name"] == _name)
        ?? throw new MigrationException("PgBouncerEntryNotFound", MigrationErrorKind.NotFound, $"PgBouncer knows no database '{_name}' (SHOW DATABASES).");

    // Console, name and server_login_retry came later than the rest: a journal of before says none of them.
    private sealed record Entry(string? Host, int Port, string Database, string? Console = null, string? Name = null, string? LoginRetry = null);
}
