using System.Globalization;
using System.Text.Json;

namespace PgMigration;

/// <summary>The config vars of a Heroku app that lead to its database, whoever owns them; their former values stay on the app itself.</summary>
/// <remarks>
/// A var that an add-on's attachment owns cannot be set. So the add-on is attached under a second name, its first attachment goes, and then
/// the var is set; back is the reverse. What led to the old database is parked in the config var PGMIGRATION_PARKED of the same app,
/// where it is exactly as secret as it was, and where an undo from any session finds it. Every change makes a release and restarts dynos,
/// so all of this happens while none runs.
/// </remarks>
internal sealed class HerokuConfig
{
    /// <summary>The config var that keeps what was.</summary>
    public const string ParkedVar = "PGMIGRATION_PARKED";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private readonly HerokuApi _api;
    private readonly string _app;
    private readonly string[] _vars;

    public HerokuConfig(HerokuApi api, string app, string[] vars)
    {
        _api = api;
        _app = app;
        _vars = vars;
    }

    /// <summary>The time between two looks at a release.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The addresses that the vars hold now.</summary>
    /// <exception cref="MigrationException"><c>HerokuVarNotFound</c>, <c>HerokuVarNoAddress</c>.</exception>
    public async Task<Dictionary<string, DatabaseUrl>> AddressesAsync(CancellationToken cancel)
    {
        var config = await ReadAsync(cancel);
        return _vars.ToDictionary(name => name, name => AddressOf(name, config.GetValueOrDefault(name)));
    }

    /// <summary>Whether a config var is by its name one of Heroku's connection pooling.</summary>
    public static bool IsPoolName(string name) => name.EndsWith("CONNECTION_POOL_URL", StringComparison.Ordinal);

    /// <summary>Other vars that lead to the same database: a copy of the address, with or without a login; another attachment of the same add-on; its connection pooling.</summary>
    /// <remarks>A follower is another add-on at another place, and is not named.</remarks>
    public async Task<List<HerokuOtherVar>> OthersAsync(Dictionary<string, DatabaseUrl> addresses, CancellationToken cancel)
    {
        var attachments = await AttachmentsAsync(cancel);
        var addons = attachments.Where(each => addresses.ContainsKey(VarOf(each))).Select(each => each.Addon.Id).ToHashSet(StringComparer.Ordinal);
        var servers = addresses.Values.Select(address => address.Server).ToList();
        var others = new List<HerokuOtherVar>();
        foreach (var (name, value) in (await ReadAsync(cancel)).Where(pair => !addresses.ContainsKey(pair.Key) && pair.Key != ParkedVar).OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var owner = attachments.Find(each => VarOf(each) == name);
            bool pool = IsPoolName(name) || owner?.Namespace == "connection-pooling";
            bool same = (owner is not null && addons.Contains(owner.Addon.Id)) || DatabaseUrl.PlacesOf(value).Any(place => servers.Exists(server =>
                place.Host.Equals(server.Host, StringComparison.OrdinalIgnoreCase) && (place.Database.Length == 0 || place.Database == server.Database)
                && (place.Port == server.Port || pool || (owner is null && place.User == server.User)))); // at another port it may be a pooler
            if (same)
            {
                others.Add(new HerokuOtherVar(name, owner is not null, pool));
            }
        }

        return others;
    }

    /// <summary>Makes sure that what <see cref="ParkAsync"/> makes has a name that is free.</summary>
    /// <exception cref="MigrationException"><c>HerokuNameTaken</c>.</exception>
    public async Task CheckParkableAsync(CancellationToken cancel)
    {
        var config = await ReadAsync(cancel);
        var attachments = await AttachmentsAsync(cancel);
        foreach (var owner in attachments.Where(each => _vars.Contains(VarOf(each)) && FindSecond(each, attachments) is null))
        {
            string name = SecondName(owner);
            if (config.ContainsKey(name + "_URL") || attachments.Exists(each => each.Name == name))
            {
                throw new MigrationException("HerokuNameTaken", MigrationErrorKind.InvalidOperation,
                    $"The app {_app} has {name}_URL already, and the cutover would attach the old database under that name. Is it left from an earlier cutover? Then remove it: heroku addons:detach {name} -a {_app}, or heroku config:unset {name}_URL -a {_app}.");
            }
        }
    }

    /// <summary>Who owns each var, in words.</summary>
    public async Task<string> OwnersAsync(CancellationToken cancel)
    {
        var attachments = await AttachmentsAsync(cancel);
        return string.Join(", ", _vars.Select(name => attachments.Find(each => VarOf(each) == name) is { } owner ? $"{name} of the add-on {owner.Addon.Name}" : $"{name} of the app"));
    }

    /// <summary>Makes sure that the old database stays attached under another name, and parks what the vars were. With no dyno running.</summary>
    public async Task ParkAsync(string id, CancellationToken cancel)
    {
        var config = await ReadAsync(cancel);
        if (ParkedOf(config)?.Id == id)
        {
            return;
        }

        var attachments = await AttachmentsAsync(cancel);
        var parked = new HerokuParked(id, []);
        foreach (string name in _vars)
        {
            parked.Vars[name] = attachments.Find(each => VarOf(each) == name) is { } owner
                ? new HerokuParkedVar(null, await AttachSecondAsync(owner, attachments, cancel))
                : new HerokuParkedVar(config[name], null);
        }

        await PatchAsync(new() { [ParkedVar] = JsonSerializer.Serialize(parked, Json) }, cancel);
        await WaitForReleaseAsync(cancel);
    }

    /// <summary>Points the vars at a server. With no dyno running.</summary>
    public async Task RepointAsync(string id, PgServer server, string sourceUser, CancellationToken cancel)
    {
        var config = await ReadAsync(cancel);
        var parked = Require(config, id);
        var wanted = parked.Vars.ToDictionary(pair => pair.Key,
            pair => (string?)AddressOf(pair.Key, pair.Value.Attachment is { } attachment ? config.GetValueOrDefault(attachment.Second + "_URL") : pair.Value.Value).PointAt(server, sourceUser));
        var attachments = await AttachmentsAsync(cancel);
        foreach (var kept in parked.Vars.Values.Select(each => each.Attachment).OfType<HerokuParkedAttachment>())
        {
            if (attachments.Find(each => each.Name == kept.Name && each.Addon.Id == kept.Addon) is { } owner)
            {
                await _api.DeleteAsync($"/addon-attachments/{owner.Id}", cancel);
            }
        }

        await PatchAsync(wanted.Where(pair => config.GetValueOrDefault(pair.Key) != pair.Value).ToDictionary(), cancel);
        await WaitForReleaseAsync(cancel);
        await ProveAsync(wanted, cancel);
    }

    /// <summary>Gives the vars back what was parked. With no dyno running.</summary>
    public async Task PointBackAsync(string id, CancellationToken cancel)
    {
        var config = await ReadAsync(cancel);
        var parked = Require(config, id);
        var attachments = await AttachmentsAsync(cancel);
        bool IsAttached(HerokuParkedAttachment kept) => attachments.Exists(each => each.Name == kept.Name && each.Addon.Id == kept.Addon);
        var away = parked.Vars.Where(pair => pair.Value.Attachment is { } kept && !IsAttached(kept)).ToList();
        var changes = away.Where(pair => config.ContainsKey(pair.Key)).ToDictionary(pair => pair.Key, _ => (string?)null);
        foreach (var (name, value) in parked.Vars.Where(pair => pair.Value.Value is { } former && config.GetValueOrDefault(pair.Key) != former))
        {
            changes[name] = value.Value;
        }

        await PatchAsync(changes, cancel);
        foreach (var (_, value) in away)
        {
            await AttachAsync(value.Attachment!, value.Attachment!.Name, cancel);
        }

        await WaitForReleaseAsync(cancel);
        if (!await IsAsParkedAsync(parked, cancel))
        {
            throw new MigrationException("HerokuNotPointedBack", MigrationErrorKind.InvalidOperation, $"The config vars {string.Join(", ", parked.Vars.Keys)} of {_app} do not hold what was parked in {ParkedVar}. Compare them with heroku config -a {_app}.");
        }
    }

    /// <summary>Removes what was parked, if the vars are as they were; otherwise it stays, for a way back. With no dyno running.</summary>
    public async Task UnparkAsync(string id, CancellationToken cancel)
    {
        var config = await ReadAsync(cancel);
        if (ParkedOf(config) is not { } parked || parked.Id != id || !await IsAsParkedAsync(parked, cancel))
        {
            return;
        }

        var attachments = await AttachmentsAsync(cancel);
        foreach (var kept in parked.Vars.Values.Select(each => each.Attachment).OfType<HerokuParkedAttachment>().Where(kept => kept.Made))
        {
            if (attachments.Find(each => each.Name == kept.Second && each.Addon.Id == kept.Addon) is { } second)
            {
                await _api.DeleteAsync($"/addon-attachments/{second.Id}", cancel);
            }
        }

        await PatchAsync(new() { [ParkedVar] = null }, cancel);
        await WaitForReleaseAsync(cancel);
    }

    private async Task<bool> IsAsParkedAsync(HerokuParked parked, CancellationToken cancel)
    {
        var config = await ReadAsync(cancel);
        var attachments = await AttachmentsAsync(cancel);
        return parked.Vars.All(pair => pair.Value.Attachment is { } kept
            ? attachments.Exists(each => each.Name == kept.Name && each.Addon.Id == kept.Addon)
            : config.GetValueOrDefault(pair.Key) == pair.Value.Value);
    }

    private static string SecondName(HerokuAttachment owner) => $"PGMIGRATION_OLD_{owner.Name}";

    private HerokuAttachment? FindSecond(HerokuAttachment owner, List<HerokuAttachment> attachments) =>
        attachments.Find(each => each.Addon.Id == owner.Addon.Id && each.Namespace == owner.Namespace && each.Name != owner.Name && !_vars.Contains(VarOf(each)));

    private async Task<HerokuParkedAttachment> AttachSecondAsync(HerokuAttachment owner, List<HerokuAttachment> attachments, CancellationToken cancel)
    {
        HerokuParkedAttachment As(string second, bool made) => new(owner.Name, owner.Addon.Id, owner.Namespace, owner.Addon.App?.Name, second, made);

        // Same add-on, same credentials: usually HEROKU_POSTGRESQL_<COLOR> is there already.
        if (FindSecond(owner, attachments) is { } there)
        {
            return As(there.Name, made: there.Name.StartsWith("PGMIGRATION_OLD", StringComparison.Ordinal)); // ours, from a pause that died half way
        }

        var kept = As(SecondName(owner), made: true);
        await AttachAsync(kept, kept.Second, cancel);
        return kept;
    }

    private async Task AttachAsync(HerokuParkedAttachment kept, string name, CancellationToken cancel)
    {
        try
        {
            var body = new Dictionary<string, string?> { ["addon"] = kept.Addon, ["app"] = _app, ["name"] = name, ["confirm"] = kept.Owner };
            if (kept.Namespace is not null)
            {
                body["namespace"] = kept.Namespace;
            }

            await _api.PostAsync<HerokuAttachment>("/addon-attachments", body, cancel);
        }
        catch (MigrationException error) when (error.ErrorId == "HerokuRefused")
        {
            // a try that was cut off may have done it
            if (!(await AttachmentsAsync(cancel)).Exists(each => each.Name == name && each.Addon.Id == kept.Addon))
            {
                throw;
            }
        }
    }

    // A release whose command (the release phase) runs still, or failed, is not what started dynos would get.
    private async Task WaitForReleaseAsync(CancellationToken cancel)
    {
        while (true)
        {
            var last = await _api.LastReleaseAsync(_app, cancel);
            if (last?.Status == "failed")
            {
                throw new MigrationException("HerokuReleaseFailed", MigrationErrorKind.InvalidOperation, string.Create(CultureInfo.InvariantCulture,
                    $"The release v{last.Version} of {_app}, made by a change of its config, failed: dynos would start without that change. See heroku releases:output v{last.Version} -a {_app}, mend the release phase, and try again."));
            }

            if (last?.Status != "pending")
            {
                return;
            }

            await Task.Delay(PollInterval, cancel);
        }
    }

    private async Task ProveAsync(Dictionary<string, string?> wanted, CancellationToken cancel)
    {
        var config = await ReadAsync(cancel);
        if (wanted.Where(pair => config.GetValueOrDefault(pair.Key) != pair.Value).Select(pair => pair.Key).ToList() is [var other, ..])
        {
            throw new MigrationException("HerokuNotRepointed", MigrationErrorKind.InvalidOperation, $"The config var {other} of {_app} does not hold the new server's address although Heroku took it. Does something else write it?");
        }
    }

    private HerokuParked Require(Dictionary<string, string> config, string id) => ParkedOf(config) is { } parked && parked.Id == id ? parked
        : throw new MigrationException("HerokuNothingParked", MigrationErrorKind.InvalidOperation,
            $"The config var {ParkedVar} of {_app}, where this cutover keeps what {string.Join(", ", _vars)} led to, is missing or another cutover's. Set the vars by hand: heroku config:set -a {_app}, or heroku addons:attach.");

    private static HerokuParked? ParkedOf(Dictionary<string, string> config)
    {
        try
        {
            return config.TryGetValue(ParkedVar, out string? text) ? JsonSerializer.Deserialize<HerokuParked>(text, Json) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private DatabaseUrl AddressOf(string name, string? value) =>
        value is null ? throw new MigrationException("HerokuVarNotFound", MigrationErrorKind.NotFound, $"The app {_app} has no config var {name}. Name those that lead to its database with -ConfigVar.")
        : DatabaseUrl.TryParse(value) ?? throw new MigrationException("HerokuVarNoAddress", MigrationErrorKind.InvalidData, $"The config var {name} of {_app} holds no address of the form postgres://user:password@host:port/database. Name those that do with -ConfigVar.");

    private static string VarOf(HerokuAttachment attachment) => attachment.Name + "_URL";

    private Task<Dictionary<string, string>> ReadAsync(CancellationToken cancel) => _api.GetAsync<Dictionary<string, string>>($"/apps/{_app}/config-vars", cancel);

    private Task PatchAsync(Dictionary<string, string?> changes, CancellationToken cancel) =>
        changes.Count == 0 ? Task.CompletedTask : _api.PatchAsync<Dictionary<string, string>>($"/apps/{_app}/config-vars", changes, cancel);

    private Task<List<HerokuAttachment>> AttachmentsAsync(CancellationToken cancel) => _api.ListAsync<HerokuAttachment>($"/apps/{_app}/addon-attachments", cancel);
}
