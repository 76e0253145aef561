using System.Globalization;

namespace PgMigration;

/// <content>What is proven before a cutover: that PAUSE reaches the app's clients, and that they will reach the target.</content>
public sealed partial class PgBouncerApp
{
    /// <inheritdoc/>
    public override async Task CheckAsync(PgServer source, CancellationToken cancel = default)
    {
        _unproven.Clear();
        _login = null;
        var (host, port) = _ini.Read(_name);
        _ini.CheckWritable();
        await using var console = await PgBouncerConsole.ConnectAsync(_console, cancel);
        var entry = await EntryAsync(console, cancel);
        CheckEntry(entry, source, host, port);
        await CheckOtherEntriesAsync(console, entry, cancel);
        var config = await ConfigAsync(console, cancel);
        if (Names(config, "stats_users").Contains(_console.User) && !Names(config, "admin_users").Contains(_console.User))
        {
            throw new MigrationException("PgBouncerNotAdmin", MigrationErrorKind.PermissionDenied,
                $"PgBouncer lets {_console.User} look (stats_users) but not PAUSE. Name it in admin_users of {ConfigFile} too, or give another user for -PgBouncer.");
        }

        await CheckRunningAsync(console, cancel);
        await PgBouncerProcesses.CheckAsync(_console, console, config, cancel);
        _longestWait = Wait(config);
        var pools = (await console.AskAsync("SHOW POOLS", cancel)).FindAll(row => row["database"] == _name);
        await CheckLeadsToAsync(source, entry, pools, cancel);
        await CheckPoolModeAsync(console, entry, config, pools, source, cancel);
        await CheckAuthDatabaseAsync(console, entry, config, cancel);
    }

    /// <summary>Logs in to the target through this pooler, by an entry that is in its file for a moment: the same options, another address.</summary>
    /// <inheritdoc/>
    public override async Task CheckTargetAsync(PgServer target, CancellationToken cancel = default)
    {
        string probe = PgBouncerIni.NewProbeName();
        await using var console = await PgBouncerConsole.ConnectAsync(_console, cancel);
        try
        {
            _ini.AddProbe(_name, probe, target);
            await console.AskAsync("RELOAD", cancel); // what it refuses in its file is known now, and what was SET in its console is as it will be
            if ((await console.AskAsync("SHOW DATABASES", cancel)).Find(row => row["name"] == probe) is null)
            {
                throw new MigrationException("PgBouncerOtherConfig", MigrationErrorKind.InvalidOperation,
                    $"PgBouncer at {Place} did not take an entry that was added to {ConfigFile} for a moment: it does not read this file, or refuses a line of it (its log says which). Give the file that it reads.");
            }

            var config = await ConfigAsync(console, cancel);
            _loginRetry = config.GetValueOrDefault(LoginRetry); // what RELOAD makes of it; kept in the journal, since a session may die while it is 0
            if (Wait(config) is { } wait && !(_longestWait < wait))
            {
                _longestWait = wait;
            }

            if (_login is { } login)
            {
                await ProveTargetAsync(probe, login, target, config, cancel);
            }
        }
        finally
        {
            await RemoveProbeAsync(probe);
        }
    }

    // Over a session of its own: what was cancelled has left an answer unread on the other one.
    private async Task RemoveProbeAsync(string probe)
    {
        _ini.RemoveProbe(probe);
        try
        {
            await using var console = await PgBouncerConsole.ConnectAsync(_console, CancellationToken.None);
            await console.AskAsync("RELOAD", CancellationToken.None);
        }
        catch (Exception error) when (error is MigrationException or IOException)
        {
            _remarks.Add($"PgBouncer at {Place} still has the entry '{probe}', which is not in {ConfigFile} any more: {Redaction.Of(error.Message)} RELOAD removes it.");
        }
    }

    private async Task ProveTargetAsync(string probe, PgServer login, PgServer target, Dictionary<string, string?> config, CancellationToken cancel)
    {
        string answer;
        try
        {
            answer = await PooledLogin.IdentifyAsync(_console, probe, login, AnswersWithin, cancel);
        }
        catch (MigrationException error) when (config.GetValueOrDefault("auth_type") == "hba" && PooledLogin.IsRefused(error))
        {
            _unproven.Add(new UnprovenPath("PoolerLoginNotProven",
                $"PgBouncer's auth_hba_file admits clients by the name of their entry, so that a login by another entry was refused ({error.Message}) and the app's login at the target is not proven. Add a line for {login.User} with 'all' as its database while the cutover is checked"));
            return;
        }
        catch (MigrationException error) when (error.ErrorId is "PgBouncerRefused" or "PgBouncerSilent")
        {
            throw new MigrationException("PgBouncerCannotReachTarget", MigrationErrorKind.InvalidOperation,
                $"The app could not use the target through PgBouncer: a client's login as {login.User} by the entry '{_name}', led to {target.Host}:{target.Port}, failed: {error.Message} Let the pooler have what the target asks for (a password in auth_file or in the entry, auth_query on the target, server_tls_…), and let the target's pg_hba.conf admit it.", error);
        }

        string expected = await ServerIdentity.ReadAsync(target, cancel);
        if (answer != expected)
        {
            throw new MigrationException("PgBouncerOtherServer", MigrationErrorKind.InvalidArgument,
                $"{target.Host}:{target.Port} is another server for PgBouncer's machine than for this one (system identifier and start: {answer}, expected {expected}). Give an address with -AppTarget that leads to the target from there too.");
        }
    }

    private void CheckEntry(Dictionary<string, string?> entry, PgServer source, string? host, string? port)
    {
        if (entry["host"] != host || entry["port"] != (port ?? "5432"))
        {
            throw new MigrationException("PgBouncerOtherConfig", MigrationErrorKind.InvalidOperation,
                $"PgBouncer's entry '{_name}' points at {entry["host"]}:{entry["port"]}, but {ConfigFile} says {host}:{port}. Give the file it really reads, or RELOAD it first.");
        }

        if (host?.Contains(',', StringComparison.Ordinal) == true)
        {
            throw new MigrationException("PgBouncerSeveralHosts", MigrationErrorKind.InvalidOperation,
                $"PgBouncer's entry '{_name}' leads to several servers ({host}), and only one is fenced and cut over. Let it lead to {source.Host} alone, and RELOAD.");
        }

        if (entry["paused"] != "0" || entry["disabled"] != "0")
        {
            throw new MigrationException("PgBouncerAlreadyPaused", MigrationErrorKind.InvalidOperation,
                $"PgBouncer's entry '{_name}' is already paused or disabled. RESUME or ENABLE it first, so that it is clear who lets the app go on.");
        }

        if (entry["database"] != source.Database)
        {
            throw new MigrationException("PgBouncerOtherDatabase", MigrationErrorKind.InvalidArgument,
                $"PgBouncer's entry '{_name}' leads to the database '{entry["database"]}', not to '{source.Database}', which is cut over. Give the entry of the app that uses it.");
        }
    }

    // A client that comes through another entry is not paused: the fence would end its session, and it would return to the old server.
    private async Task CheckOtherEntriesAsync(WireSession console, Dictionary<string, string?> entry, CancellationToken cancel)
    {
        Task<bool> IsSameServerAsync(string? host, string? port) => port != entry["port"] ? Task.FromResult(false) : HostAddresses.AreSameAsync(host, entry["host"], cancel);
        var entries = await console.AskAsync("SHOW DATABASES", cancel);
        var others = new List<string>();
        foreach (var row in entries)
        {
            if (row["name"] != _name && !With.Contains(row["name"]!) && row["database"] == entry["database"] && await IsSameServerAsync(row["host"], row["port"]))
            {
                others.Add($"'{row["name"]}'");
            }
        }

        if (others.Count > 0)
        {
            throw new MigrationException("PgBouncerOtherEntries", MigrationErrorKind.InvalidOperation,
                $"PgBouncer's entry '{_name}' is not the only one that leads to the database '{entry["database"]}' at {entry["host"]}:{entry["port"]}: {string.Join(", ", others)} too, and {(others.Count == 1 ? "its" : "their")} clients would not be paused. Name all of them: New-MigrationApp -Database '{_name}', {string.Join(", ", others)}.");
        }

        // SHOW DATABASES does not list what '*' would serve.
        foreach (var file in _ini.Includes().Prepend(_ini).Where(file => file.Has("*")))
        {
            var (host, port) = file.Read("*");
            string? database = file.ReadDatabase("*");
            bool serves = database is null ? !entries.Exists(row => row["name"] == entry["database"]) : database == entry["database"];
            if (serves && await IsSameServerAsync(host, port ?? "5432"))
            {
                throw new MigrationException("PgBouncerOtherEntries", MigrationErrorKind.InvalidOperation,
                    $"PgBouncer's entry '*' leads to the database '{entry["database"]}' at {entry["host"]}:{entry["port"]} too, {(database is null ? $"under the name '{entry["database"]}'" : "under any name")}, and clients that come by it would not be paused. Remove '*' or let it lead elsewhere; or add an entry of its own for each name that clients use, and name all of them with -Database.");
            }
        }
    }

    // KILL and a PAUSE without a name show in no column of SHOW DATABASES; newer versions have SHOW STATE.
    private async Task CheckRunningAsync(WireSession console, CancellationToken cancel)
    {
        List<Dictionary<string, string?>> state;
        try
        {
            state = await console.AskAsync("SHOW STATE", cancel);
        }
        catch (MigrationException error) when (error.ErrorId == "PgBouncerRefused")
        {
            return; // a version without it: a query that is not answered shows it
        }

        if (state.Exists(row => row.GetValueOrDefault("key") is "paused" or "suspended" && row.GetValueOrDefault("value") is "yes" or "1"))
        {
            throw new MigrationException("PgBouncerAlreadyPaused", MigrationErrorKind.InvalidOperation, $"PgBouncer at {Place} is paused or suspended as a whole (SHOW STATE). RESUME it first, so that it is clear who lets the app go on.");
        }
    }

    // Does it lead to the server that is cut over? Addresses alone do not tell (names, tunnels).
    private async Task CheckLeadsToAsync(PgServer source, Dictionary<string, string?> entry, List<Dictionary<string, string?>> pools, CancellationToken cancel)
    {
        (string? Identity, PgServer? Login) answer;
        try
        {
            answer = await FindAnswerAsync(Candidates(entry, [.. Logins, source]), cancel);
        }
        catch (MigrationException error) when (error.ErrorId is "PgBouncerRefused" or "PgBouncerSilent")
        {
            throw new MigrationException("PgBouncerNotAnswering", MigrationErrorKind.InvalidOperation,
                $"A query through PgBouncer's entry '{_name}' is not answered now, before anything was changed: {error.Message} Check that {entry["host"]}:{entry["port"]} runs, and that PgBouncer is not paused as a whole (PAUSE without a name; RESUME ends it).", error);
        }

        if (answer is not ({ } through, { } login))
        {
            _unproven.Add(new UnprovenPath("PoolerLoginNotProven",
                $"No login that is known here may use PgBouncer's entry '{_name}' ({source.User} was refused), so that it is not known whether it leads to {source}, nor whether its clients could log in at the target. Give the app's own login and password in -Source, -AppTarget or -AppSource"));
            return;
        }

        string expected = await ServerIdentity.ReadAsync(source, cancel);
        if (through != expected)
        {
            throw new MigrationException("PgBouncerOtherServer", MigrationErrorKind.InvalidArgument,
                $"PgBouncer's entry '{_name}' leads to another server than {source} (system identifier and start: {through} against {expected}). Give the pooler of the app that is cut over.");
        }

        _login = login;
        string[] others = IsForced(entry) ? [] : [.. pools.Select(row => row["user"]!).Where(user => user != login.User).Distinct()];
        if (others.Length > 0)
        {
            _unproven.Add(new UnprovenPath("PoolerUserNotProven",
                $"Clients of PgBouncer's entry '{_name}' log in as {string.Join(", ", others)} too, whose passwords are not known here: that they could log in at the target is not proven. See that PgBouncer has for each what the target asks for"));
        }
    }

    // The user's own mode comes before the entry's, and that before the general one.
    private async Task CheckPoolModeAsync(WireSession console, Dictionary<string, string?> entry, Dictionary<string, string?> config, List<Dictionary<string, string?>> pools, PgServer source, CancellationToken cancel)
    {
        if (DisconnectAfter is not null)
        {
            return;
        }

        string[] known = [.. pools.Select(row => row["user"]!), .. IsForced(entry) ? [entry["force_user"]!] : (string[])[source.User, .. Logins.Select(login => login.User)]];
        string? user = pools.Find(row => row.GetValueOrDefault("pool_mode") == "session")?["user"]
            ?? (await console.AskAsync("SHOW USERS", cancel)).Find(row => row.GetValueOrDefault("pool_mode") == "session" && known.Contains(row["name"]))?["name"];
        bool all = (entry.GetValueOrDefault("pool_mode") ?? config.GetValueOrDefault("pool_mode")) == "session";
        if (all || user is not null)
        {
            throw new MigrationException("PgBouncerSessionMode", MigrationErrorKind.InvalidOperation,
                $"PgBouncer's entry '{_name}' pools by session{(all ? string.Empty : $" for the user {user}")}: PAUSE would wait until every client disconnects. Set pool_mode = transaction for it, let clients that stay be disconnected with -DisconnectAfter, or stop the app by a script block.");
        }
    }

    // auth_dbname: where auth_query runs for every client. If that is on the old server, logins end with it.
    private async Task CheckAuthDatabaseAsync(WireSession console, Dictionary<string, string?> entry, Dictionary<string, string?> config, CancellationToken cancel)
    {
        string? name = _ini.ReadOption(_name, "auth_dbname") ?? config.GetValueOrDefault("auth_dbname");
        if (string.IsNullOrEmpty(name) || name == _name || With.Contains(name))
        {
            return;
        }

        var database = (await console.AskAsync("SHOW DATABASES", cancel)).Find(row => row["name"] == name);
        if (database is not null && database["port"] == entry["port"] && await HostAddresses.AreSameAsync(database["host"], entry["host"], cancel))
        {
            _unproven.Add(new UnprovenPath("PoolerAuthDatabase",
                $"PgBouncer looks passwords up (auth_query) by its entry '{name}' (auth_dbname), which leads to the old server and is not repointed: once that is gone, no client can log in. Let auth_dbname be '{_name}', or an entry that leads elsewhere"));
        }
    }

    /// <summary>The first login that the pooler lets in, and who answered it; nulls when it refuses them all.</summary>
    private async Task<(string? Identity, PgServer? Login)> FindAnswerAsync(IEnumerable<PgServer> candidates, CancellationToken cancel)
    {
        foreach (var login in candidates)
        {
            try
            {
                return (await PooledLogin.IdentifyAsync(_console, _name, login, AnswersWithin, cancel), login);
            }
            catch (MigrationException error) when (PooledLogin.IsRefused(error))
            {
                // the next one
            }
        }

        return (null, null);
    }

    // The console's own login is a client like others where every client becomes the entry's own user.
    private IEnumerable<PgServer> Candidates(Dictionary<string, string?> entry, IEnumerable<PgServer> logins) =>
        (_login is null ? logins : logins.Prepend(_login)).Concat(IsForced(entry) ? [_console] : []).DistinctBy(login => login.User);

    private static bool IsForced(Dictionary<string, string?> entry) => !string.IsNullOrEmpty(entry.GetValueOrDefault("force_user"));

    private static async Task<Dictionary<string, string?>> ConfigAsync(WireSession console, CancellationToken cancel) =>
        (await console.AskAsync("SHOW CONFIG", cancel)).ToDictionary(row => row["key"]!, row => row["value"], StringComparer.Ordinal);

    private static TimeSpan? Wait(Dictionary<string, string?> config) =>
        double.TryParse(config.GetValueOrDefault("query_wait_timeout"), NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && seconds > 0 ? TimeSpan.FromSeconds(seconds) : null;

    private static string[] Names(Dictionary<string, string?> config, string key) =>
        config.GetValueOrDefault(key)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
}
