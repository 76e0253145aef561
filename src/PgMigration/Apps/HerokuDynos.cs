using System.Diagnostics;
using System.Globalization;

namespace PgMigration;

/// <summary>The dynos of a Heroku app: stopped until the last one is gone, and started as they were.</summary>
internal sealed class HerokuDynos
{
    private const string Up = "up";
    private const string Crashed = "crashed";

    private static readonly TimeSpan InformsWithin = TimeSpan.FromSeconds(10);

    private readonly HerokuApi _api;
    private readonly string _app;
    private readonly string[] _types;

    /// <param name="api">Heroku.</param>
    /// <param name="app">The app.</param>
    /// <param name="types">The process types that use the database; none for all.</param>
    public HerokuDynos(HerokuApi api, string app, string[] types)
    {
        _api = api;
        _app = app;
        _types = types;
    }

    /// <summary>The time between two looks at the list of dynos.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long started dynos are waited for before the web is let in all the same.</summary>
    public TimeSpan StartsWithin { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>The process types to stop that have dynos now.</summary>
    /// <exception cref="MigrationException"><c>HerokuProcessTypeUnknown</c>.</exception>
    public async Task<Dictionary<string, int>> FormationAsync(CancellationToken cancel)
    {
        var all = await ProcessesAsync(cancel);
        if (_types.FirstOrDefault(type => all.TrueForAll(process => process.Type != type)) is { } unknown)
        {
            throw new MigrationException("HerokuProcessTypeUnknown", MigrationErrorKind.NotFound,
                $"The app {_app} has no process type '{unknown}'; it has {string.Join(", ", all.Select(process => process.Type))}. Give some of those with -ProcessType, or leave it out for all.");
        }

        return all.Where(process => process.Quantity > 0 && IsOurs(process.Type)).ToDictionary(process => process.Type, process => process.Quantity);
    }

    /// <summary>Whether the app runs a command of its own at each release, which each change of config makes.</summary>
    public async Task<bool> HasReleasePhaseAsync(CancellationToken cancel) => (await ProcessesAsync(cancel)).Exists(process => process.Type == "release");

    /// <summary>Sets the quantities of some process types.</summary>
    public Task ScaleAsync(IEnumerable<KeyValuePair<string, int>> quantities, CancellationToken cancel)
    {
        var updates = quantities.Select(pair => new { type = pair.Key, quantity = pair.Value }).ToArray();
        return updates.Length == 0 ? Task.CompletedTask : _api.PatchAsync<List<HerokuProcess>>($"/apps/{_app}/formation", new { updates }, cancel);
    }

    /// <summary>Sets every type that has dynos, of those that are ours, to none.</summary>
    public async Task StopAsync(CancellationToken cancel) =>
        await ScaleAsync((await FormationAsync(cancel)).Select(pair => KeyValuePair.Create(pair.Key, 0)), cancel);

    /// <summary>The dynos that may use the database: those of the types that are stopped, and all one-off ones, whoever started them.</summary>
    public async Task<List<HerokuDyno>> RunningAsync(CancellationToken cancel)
    {
        var types = (await ProcessesAsync(cancel)).Select(process => process.Type).Where(type => type != "release").ToHashSet(StringComparer.Ordinal);
        return (await _api.ListAsync<HerokuDyno>($"/apps/{_app}/dynos", cancel)).FindAll(dyno => dyno.State != Crashed && (IsOurs(dyno.Type) || !types.Contains(dyno.Type)));
    }

    /// <summary>Waits until none of them is left. A stopped dyno has 30 s from SIGTERM to SIGKILL, and may write until then.</summary>
    /// <exception cref="MigrationException"><c>HerokuDynosRemain</c>, naming them, when the time is up.</exception>
    public async Task WaitUntilGoneAsync(CancellationToken cancel)
    {
        List<HerokuDyno> running = [];
        long began = Stopwatch.GetTimestamp();
        try
        {
            while ((running = await RunningAsync(cancel)).Count > 0)
            {
                await Task.Delay(PollInterval, cancel);
            }
        }
        catch (OperationCanceledException) when (running.Count > 0)
        {
            throw new MigrationException("HerokuDynosRemain", MigrationErrorKind.Timeout, string.Create(CultureInfo.InvariantCulture,
                $"After {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s {Names(running)} of {_app} still run and may write. A stopped dyno is gone after 30 s; a one-off one ends by itself or with: heroku ps:stop {running[^1].Name} -a {_app}. Or raise -PauseTimeout."));
        }
    }

    /// <summary>Starts what was stopped and waits until each type has a dyno that is up.</summary>
    /// <returns>What did not come up in time; empty when all did.</returns>
    public async Task<string?> StartAsync(Dictionary<string, int> formation, CancellationToken cancel)
    {
        // A type that has dynos again was started by an administrator. Where that cannot be seen, all are started as they were.
        var now = await InformAsync(async token => (await ProcessesAsync(token)).ToDictionary(process => process.Type, process => process.Quantity), cancel);
        await ScaleAsync(formation.Where(pair => (now?.GetValueOrDefault(pair.Key) ?? 0) == 0 && pair.Value > 0), cancel);
        for (long began = Stopwatch.GetTimestamp(); ; await Task.Delay(PollInterval, cancel))
        {
            if (await InformAsync(token => _api.ListAsync<HerokuDyno>($"/apps/{_app}/dynos", token), cancel) is not { } dynos)
            {
                return $"The dynos of {_app} were started, and whether they are up cannot be seen: see heroku ps -a {_app}.";
            }

            var late = formation.Keys.Where(type => !dynos.Exists(dyno => dyno.Type == type && dyno.State is Up or "idle")).ToList();
            var crashed = dynos.FindAll(dyno => dyno.State == Crashed && late.Contains(dyno.Type));
            if (late.Count == 0)
            {
                return null;
            }

            if (crashed.Count > 0 || Stopwatch.GetElapsedTime(began) > StartsWithin)
            {
                return $"On {_app} {(crashed.Count > 0 ? $"{Names(crashed)} crashed" : $"no dyno of {string.Join(", ", late)} is up yet")}: see heroku logs -a {_app}.";
            }
        }
    }

    /// <summary>The names of dynos, and since when they run; not their commands, which may hold anything.</summary>
    public static string Names(IEnumerable<HerokuDyno> dynos) =>
        string.Join(", ", dynos.Select(dyno => dyno.CreatedAt is { } since ? $"{dyno.Name} (since {since.ToUniversalTime():HH:mm:ss'Z'})" : dyno.Name));

    // What is asked only to tell it must not keep the app down.
    private static async Task<T?> InformAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancel)
        where T : class
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(InformsWithin);
        try
        {
            return await ask(limit.Token);
        }
        catch (Exception error) when (error is MigrationException || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return null;
        }
    }

    private bool IsOurs(string type) => type != "release" && (_types.Length == 0 || _types.Contains(type));

    private Task<List<HerokuProcess>> ProcessesAsync(CancellationToken cancel) => _api.ListAsync<HerokuProcess>($"/apps/{_app}/formation", cancel);
}
