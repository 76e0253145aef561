using System.Net;
using System.Text.Json;

namespace PgMigration;

/// <summary>An app on Heroku: maintenance mode, all its dynos stopped, its config vars pointed elsewhere, and all as before; through the Platform API.</summary>
/// <remarks>
/// Maintenance mode stops web traffic only, so the dynos are stopped too, and the pause waits for the last one, one-off and scheduler dynos
/// included. Its clients see the maintenance page for about as long as dynos take to stop and start.
/// </remarks>
public sealed class HerokuApp : MigrationApp
{
    /// <summary>A cutover and its undo make fewer calls than this: two or three each second that they wait for dynos.</summary>
    private const int FewestCallsLeft = 500;

    private static readonly TimeSpan TidiesWithin = TimeSpan.FromSeconds(30);

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private readonly HerokuApi _api;
    private readonly HerokuDynos _dynos;
    private readonly HerokuConfig _config;
    private readonly List<string> _remarks = [];
    private readonly bool _rehearsal;
    private string _sourceUser = string.Empty;
    private HerokuState? _state;

    /// <summary>Describes the app; calls nothing yet.</summary>
    /// <param name="name">The app's name on Heroku.</param>
    /// <param name="token">A token that may deploy and operate it.</param>
    /// <param name="address">The Platform API; null for Heroku's own. One without TLS must be on this machine.</param>
    /// <param name="configVars">The config vars that lead to the database.</param>
    /// <param name="processTypes">The process types that use it; none for all.</param>
    /// <exception cref="MigrationException"><c>HerokuTokenMissing</c>; <c>HerokuApiUrlInvalid</c>: the token would travel unencrypted; <c>HerokuAppNameInvalid</c>.</exception>
    public HerokuApp(string name, string? token, Uri? address, string[] configVars, params string[] processTypes)
        : this(name, Api(token, address), configVars, processTypes, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(45), address is { IsLoopback: true })
    {
    }

    internal HerokuApp(string name, HerokuApi api, string[] configVars, string[] processTypes, TimeSpan pollInterval, TimeSpan startsWithin, bool rehearsal)
    {
        if (name.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
        {
            throw new MigrationException("HerokuAppNameInvalid", MigrationErrorKind.InvalidArgument, $"'{name}' is not the name of a Heroku app: letters, digits and hyphens.");
        }

        Name = name;
        ConfigVars = configVars.ToArray();
        ProcessTypes = processTypes.ToArray();
        _rehearsal = rehearsal;
        _api = api;
        _dynos = new HerokuDynos(api, name, processTypes) { PollInterval = pollInterval, StartsWithin = startsWithin };
        _config = new HerokuConfig(api, name, configVars) { PollInterval = pollInterval };
    }

    /// <inheritdoc/>
    public override string Kind => "Heroku";

    /// <summary>The app's name.</summary>
    public string Name { get; }

    /// <summary>The config vars that are pointed elsewhere.</summary>
    public IReadOnlyList<string> ConfigVars { get; }

    /// <summary>The process types that are stopped; empty for all.</summary>
    public IReadOnlyList<string> ProcessTypes { get; }

    /// <summary>30 s from SIGTERM to SIGKILL, and the calls around them.</summary>
    public override TimeSpan UsualPauseTimeout => TimeSpan.FromSeconds(90);

    /// <inheritdoc/>
    public override IReadOnlyList<string> Remarks => _remarks;

    /// <inheritdoc/>
    public override async Task CheckAsync(PgServer source, CancellationToken cancel = default)
    {
        _remarks.Clear();
        _sourceUser = source.User;
        var app = await AppAsync(cancel);
        var formation = await _dynos.FormationAsync(cancel);
        var addresses = await _config.AddressesAsync(cancel);
        string owners = await _config.OwnersAsync(cancel);
        await _config.CheckParkableAsync(cancel);
        await _api.LastReleaseAsync(Name, cancel);
        if (_api.Remaining < FewestCallsLeft)
        {
            throw new MigrationException("HerokuRateLimitLow", MigrationErrorKind.ResourceUnavailable,
                $"Heroku allows this token only {_api.Remaining} more calls within the hour, and a cutover may need {FewestCallsLeft}. Wait, or take another token.");
        }

        // May the token change things? Setting what is set already tells, and changes nothing.
        await _api.PatchAsync<HerokuAppInfo>($"/apps/{Name}", new { maintenance = app.Maintenance }, cancel);
        await _dynos.ScaleAsync(formation, cancel);
        foreach (var (name, address) in addresses)
        {
            await CheckLeadsToAsync(name, address.Server, source, cancel);
        }

        _remarks.Add($"Heroku will change {owners}.");
        Remark(_api.Remaining is null, $"Heroku did not report how many calls its rate limit leaves for this token; a cutover may need {FewestCallsLeft}.");
        Remark(app.Maintenance, $"The app {Name} is in maintenance mode already, and will stay so.");
        Remark(formation.Count == 0, $"The app {Name} has no dynos to stop, and none will be started.");
        Remark(await _dynos.HasReleasePhaseAsync(cancel), $"The app {Name} has a release phase, which runs at each change of its config: up to four times, once without {ConfigVars[0]} if an add-on owns it.");
        var others = await _config.OthersAsync(addresses, cancel);
        if (string.Join(", ", others.Where(other => other.IsPool).Select(other => other.Name)) is { Length: > 0 } pools)
        {
            throw new MigrationException("HerokuPoolNotNamed", MigrationErrorKind.InvalidArgument,
                $"{pools} of {Name} leads to the same database through Heroku's connection pooling, and would go on to the old server. Name it too, -ConfigVar {string.Join(", ", ConfigVars)}, {pools}: it is then pointed at the new server as well, without that pooling. Or detach it, if the app does not use it: heroku addons:detach -a {Name}.");
        }

        string own = string.Join(", ", others.Where(other => !other.IsAttachment).Select(other => other.Name));
        string attached = string.Join(", ", others.Where(other => other.IsAttachment).Select(other => other.Name));
        Remark(own.Length > 0, $"The config vars {own} of {Name} lead to the same database and are left as they are. If the app uses them, name them with -ConfigVar.");
        Remark(attached.Length > 0, $"{attached} of {Name}, of the same add-on under another name, lead to the same database and are left as they are. If the app uses them, name them with -ConfigVar.");
        var oneOffs = (await _dynos.RunningAsync(cancel)).FindAll(dyno => !formation.ContainsKey(dyno.Type));
        Remark(oneOffs.Count > 0, $"{HerokuDynos.Names(oneOffs)} of {Name} run now, and the pause waits until they end.");
    }

    /// <summary>The first address with another login than the cutover's: the app's own, to which a write must be refused behind the fence.</summary>
    public override async Task<PgServer?> FindLoginAsync(CancellationToken cancel = default) =>
        (await _config.AddressesAsync(cancel)).OrderBy(pair => HerokuConfig.IsPoolName(pair.Key)) // what a pooler hands out is no new session
            .Select(pair => pair.Value.Server).FirstOrDefault(server => server.FindPassword() is not null);

    /// <inheritdoc/>
    public override async Task CheckTargetAsync(PgServer target, CancellationToken cancel = default)
    {
        if (!_rehearsal && (target.Host.StartsWith('/') || target.Host == "localhost" || (IPAddress.TryParse(target.Host, out var address) && IPAddress.IsLoopback(address))))
        {
            throw new MigrationException("HerokuTargetNotReachable", MigrationErrorKind.InvalidArgument,
                $"The app on Heroku would be pointed at {target}, which is an address of this machine. Give the one by which Heroku reaches the server with -AppTarget.");
        }

        // With the app's own login and demands, as it will be told them: a password or TLS that fails is found now.
        foreach (var (name, from) in await _config.AddressesAsync(cancel))
        {
            try
            {
                await using var session = await DatabaseUrl.TryParse(from.PointAt(target, _sourceUser))!.Server.ConnectAsync(cancel);
            }
            catch (MigrationException error) when (error.ErrorId != "TargetPasswordMissing")
            {
                throw new MigrationException("HerokuTargetRefuses", error.Kind, $"The address that {name} of {Name} would get does not work: {error.Message}", error);
            }
        }
    }

    /// <inheritdoc/>
    public override async Task<string?> RememberAsync(CancellationToken cancel = default)
    {
        _state = new HerokuState(Name, Guid.NewGuid().ToString("N"), (await AppAsync(cancel)).Maintenance, _sourceUser, await _dynos.FormationAsync(cancel));
        return JsonSerializer.Serialize(_state, Json);
    }

    /// <inheritdoc/>
    public override void Recall(string remembered)
    {
        var state = JsonSerializer.Deserialize<HerokuState>(remembered, Json)!;
        _state = state.App == Name ? state
            : throw new MigrationException("OtherApp", MigrationErrorKind.InvalidArgument, $"The cutover was begun with the app {state.App} on Heroku, and this is {Name}. Give the one that was paused.");
        _sourceUser = state.SourceUser;
    }

    /// <inheritdoc/>
    public override async Task PauseAsync(CancellationToken cancel = default)
    {
        _remarks.Clear();
        var state = Remembered;
        await MaintainAsync(true, cancel);
        await _dynos.StopAsync(cancel);
        await _dynos.WaitUntilGoneAsync(cancel);

        // Now that nothing restarts by it. It also proves, before anything is fenced, that the token may change config vars.
        await _config.ParkAsync(state.Id, cancel);
        await _dynos.WaitUntilGoneAsync(cancel);
    }

    /// <inheritdoc/>
    public override Task RepointAsync(PgServer server, CancellationToken cancel = default)
    {
        _remarks.Clear();
        return _config.RepointAsync(Remembered.Id, server, _sourceUser, cancel);
    }

    /// <inheritdoc/>
    public override Task PointBackAsync(PgServer source, CancellationToken cancel = default)
    {
        _remarks.Clear();
        return _config.PointBackAsync(Remembered.Id, cancel);
    }

    /// <inheritdoc/>
    public override async Task ResumeAsync(CancellationToken cancel = default)
    {
        _remarks.Clear();
        if (_state is not { } state)
        {
            return; // it died before it knew how the app was, and so before it changed anything
        }

        // What only tidies up must not keep the app down.
        using (var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel))
        {
            limit.CancelAfter(TidiesWithin);
            try
            {
                await _config.UnparkAsync(state.Id, limit.Token);
            }
            catch (Exception error) when (error is MigrationException || (error is OperationCanceledException && !cancel.IsCancellationRequested))
            {
                _remarks.Add($"What this cutover kept on {Name} could not be looked at or removed ({error.Message.TrimEnd('.')}). If the app is back on its old database for good: heroku config:unset {HerokuConfig.ParkedVar} -a {Name}, and detach attachments whose names begin with PGMIGRATION_OLD.");
            }
        }

        if (await _dynos.StartAsync(state.Formation, cancel) is { } late)
        {
            _remarks.Add(late);
        }

        await MaintainAsync(state.Maintenance, cancel);
    }

    private HerokuState Remembered => _state ?? throw new MigrationException("HerokuNothingRemembered", MigrationErrorKind.InvalidOperation,
        $"How the app {Name} was before the pause is not known in this session. Go on from the cutover's journal: Resume-Cutover or Undo-Cutover.");

    private static HerokuApi Api(string? token, Uri? address)
    {
        var at = address ?? new Uri("https://api.heroku.com/");
        return string.IsNullOrWhiteSpace(token)
            ? throw new MigrationException("HerokuTokenMissing", MigrationErrorKind.InvalidArgument, "A token for Heroku's Platform API is missing: give it with -Token, or in the environment variable HEROKU_API_KEY. heroku authorizations:create makes one.")
            : at is { IsAbsoluteUri: true, UserInfo: "" } && (at.Scheme == "https" || (at.Scheme == "http" && at.IsLoopback)) ? new HerokuApi(at, token.Trim())
            : throw new MigrationException("HerokuApiUrlInvalid", MigrationErrorKind.InvalidArgument, "The address of Heroku's Platform API must begin with https://; only one on this machine may do without, since the token would travel in the clear.");
    }

    private static async Task CheckLeadsToAsync(string name, PgServer now, PgServer source, CancellationToken cancel)
    {
        const string Identity = "select system_identifier || ' since ' || extract(epoch from pg_postmaster_start_time()) || ' ' || current_database() from pg_control_system()";
        string there;
        try
        {
            await using var session = await now.ConnectAsync(cancel);
            there = await session.ScalarAsync<string>(Identity, cancel);
        }
        catch (MigrationException error)
        {
            throw new MigrationException("HerokuVarLeadsNowhere", error.Kind, $"The address in the config var {name} does not work from here: {error.Message}", error);
        }

        await using var direct = await source.ConnectAsync(cancel);
        string expected = await direct.ScalarAsync<string>(Identity, cancel);
        if (there != expected)
        {
            throw new MigrationException("HerokuOtherServer", MigrationErrorKind.InvalidArgument,
                $"The config var {name} leads to another database than {source}, which is cut over ({there} against {expected}). Give the app and the config vars that use it.");
        }
    }

    private void Remark(bool when, string what)
    {
        if (when)
        {
            _remarks.Add(what);
        }
    }

    private Task<HerokuAppInfo> AppAsync(CancellationToken cancel) => _api.GetAsync<HerokuAppInfo>($"/apps/{Name}", cancel);

    private Task MaintainAsync(bool on, CancellationToken cancel) => _api.PatchAsync<HerokuAppInfo>($"/apps/{Name}", new { maintenance = on }, cancel);
}
