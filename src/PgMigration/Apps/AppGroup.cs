using System.Text.Json;

namespace PgMigration;

/// <summary>Several apps that use the same database, as one: several poolers, or a pooler and a platform.</summary>
/// <remarks>
/// All are paused before anything is fenced; one that cannot be ends the pause of all, and the cutover's undo lets each go on. What goes
/// wrong with one never keeps the others from the same call.
/// </remarks>
public sealed class AppGroup : MigrationApp
{
    /// <summary>Groups apps.</summary>
    /// <exception cref="MigrationException"><c>SmokeTestInGroup</c>: a member has a smoke test of its own, which nobody would run.</exception>
    public AppGroup(IReadOnlyList<MigrationApp> apps)
    {
        Apps = apps.ToArray(); // what a collection expression makes has no indexer that a script could use
        foreach (var entry in apps.OfType<PgBouncerApp>())
        {
            entry.With = apps.OfType<PgBouncerApp>().Where(other => other.Console == entry.Console).Select(other => other.Database).ToHashSet(StringComparer.Ordinal);
        }

        if (apps.Any(app => app.SmokeTest is not null))
        {
            throw new MigrationException("SmokeTestInGroup", MigrationErrorKind.InvalidArgument, "A smoke test belongs to the group, not to one of its apps: give -SmokeTest where the group is made.");
        }
    }

    /// <summary>Its members.</summary>
    public IReadOnlyList<MigrationApp> Apps { get; }

    /// <inheritdoc/>
    public override string Kind => string.Join(" + ", Apps.GroupBy(app => app.Kind).Select(kind => kind.Count() == 1 ? kind.Key : $"{kind.Count().ToString(System.Globalization.CultureInfo.InvariantCulture)} {kind.Key}"));

    /// <inheritdoc/>
    public override TimeSpan UsualPauseTimeout => Apps.Max(app => app.UsualPauseTimeout);

    /// <inheritdoc/>
    public override TimeSpan? LongestWait => Apps.Min(app => app.LongestWait);

    internal override bool MakesClientsWait => Apps.All(app => app.MakesClientsWait);

    /// <inheritdoc/>
    public override IReadOnlyList<string> Remarks => [.. Apps.SelectMany(app => app.Remarks)];

    /// <inheritdoc/>
    public override IReadOnlyList<UnprovenPath> Unproven => [.. Apps.SelectMany(app => app.Unproven)];

    internal override IReadOnlyList<PgServer> Logins
    {
        get => base.Logins;
        set
        {
            base.Logins = value;
            foreach (var app in Apps)
            {
                app.Logins = value;
            }
        }
    }

    internal override IReadOnlyList<(int ProcessId, int ClientPort)> CutOff => [.. Apps.SelectMany(app => app.CutOff)];

    /// <inheritdoc/>
    public override Task CheckAsync(PgServer source, CancellationToken cancel = default) => EachAsync(app => app.CheckAsync(source, cancel));

    /// <inheritdoc/>
    public override Task CheckTargetAsync(PgServer target, CancellationToken cancel = default) => EachAsync(app => app.CheckTargetAsync(target, cancel));

    /// <inheritdoc/>
    public override async Task<string?> RememberAsync(CancellationToken cancel = default) =>
        JsonSerializer.Serialize(await Task.WhenAll(Apps.Select(app => app.RememberAsync(cancel))));

    /// <inheritdoc/>
    public override void Recall(string remembered)
    {
        var each = JsonSerializer.Deserialize<string?[]>(remembered)!;
        if (each.Length != Apps.Count)
        {
            throw new MigrationException("OtherApps", MigrationErrorKind.InvalidArgument,
                string.Create(System.Globalization.CultureInfo.InvariantCulture, $"The cutover was begun with {each.Length} apps, and these are {Apps.Count}. Give the same ones in the same order."));
        }

        foreach (var (app, its) in Apps.Zip(each))
        {
            if (its is not null)
            {
                app.Recall(its);
            }
        }
    }

    /// <inheritdoc/>
    public override async Task PauseAsync(CancellationToken cancel = default)
    {
        // the first failure ends the waiting for the others: the app as a whole cannot be paused any more
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        await EachAsync(async app =>
        {
            try
            {
                await app.PauseAsync(stop.Token);
            }
            catch
            {
                await stop.CancelAsync();
                throw;
            }
        });
    }

    /// <inheritdoc/>
    public override Task RepointAsync(PgServer server, CancellationToken cancel = default) => EachAsync(app => app.RepointAsync(server, cancel));

    /// <inheritdoc/>
    public override Task PointBackAsync(PgServer source, CancellationToken cancel = default) => EachAsync(app => app.PointBackAsync(source, cancel));

    /// <inheritdoc/>
    public override Task ResumeAsync(CancellationToken cancel = default) => EachAsync(app => app.ResumeAsync(cancel));

    /// <inheritdoc/>
    public override async Task<string?> ProveAsync(IReadOnlyList<PgServer> logins, string identity, CancellationToken cancel = default)
    {
        var proofs = new string?[Apps.Count];
        await EachAsync(async app => proofs[Apps.ToList().IndexOf(app)] = await app.ProveAsync(logins, identity, cancel));
        return Array.TrueForAll(proofs, proof => proof is not null) ? string.Join("; ", proofs) : null;
    }

    /// <summary>Calls all at the same time and waits for all. Failures are told together; of one kind only if all are of it.</summary>
    private async Task EachAsync(Func<MigrationApp, Task> call)
    {
        var running = Apps.Select(app => Task.Run(() => call(app))).ToList();
        await Task.WhenAll(running).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        var failures = running.Where(task => task.IsFaulted).Select(task => task.Exception!.InnerException!).ToList();
        switch (failures)
        {
            case []:
                await Task.WhenAll(running); // throws when one was cancelled
                return;
            case [var only]:
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(only);
                return;
            default:
                var kinds = failures.ConvertAll(failure => (failure as MigrationException)?.Kind ?? MigrationErrorKind.InvalidOperation);
                throw new MigrationException("AppsFailed", kinds.Distinct().Count() == 1 ? kinds[0] : MigrationErrorKind.InvalidOperation,
                    string.Join(" ", failures.Select(failure => Redaction.Of(failure.Message))), new AggregateException(failures));
        }
    }
}
