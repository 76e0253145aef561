using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using PgMigration.Wal;

namespace PgMigration;

/// <summary>One rehearsal: its phases in order, and the clean-up that always follows.</summary>
[SupportedOSPlatform("linux")]
internal sealed class RehearsalRun : IAsyncDisposable
{
    private const string Activity = "Rehearsal";
    private static readonly TimeSpan LagPatience = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(20);

    private readonly RehearsalOptions _options;
    private readonly IMigrationObserver _observer;
    private readonly PostgresBinaries _binaries;
    private readonly List<RehearsalPhase> _phases = [];
    private readonly DateTime _startedAt = DateTime.UtcNow;
    private WorkFolder? _folder;
    private LockedDownHost? _host;
    private LocalPgBouncer? _pooler;
    private CommitJournal? _journal;
    private RehearsalApp? _app;
    private SecondLeg? _second;
    private SequencesIncident? _incident;
    private bool _cleanedUp;

    /// <summary>Prepares a run; nothing is made yet.</summary>
    public RehearsalRun(RehearsalOptions options, IMigrationObserver observer)
    {
        _options = options;
        _observer = observer;
        _binaries = PostgresBinaries.Find(options.PostgresBin);
    }

    private WorkFolder Folder => _folder!;

    private string Target => Folder["target"];

    private int PhaseCount => (_options.Leg switch { RehearsalLeg.First => 10, RehearsalLeg.Second => 13, _ => 17 }) + (_options.Incident == RehearsalIncident.None ? 0 : 3);

    /// <summary>Rehearses, and cleans up.</summary>
    public async Task<RehearsalReport> RunAsync(CancellationToken cancel)
    {
        var report = await RehearseAsync(cancel);
        _cleanedUp = true;
        await PhaseAsync("Clean up", CleanUpAsync);
        _observer.Progress(new MigrationProgress(Activity, "done") { Percent = 100, Completed = true });
        return report with { Phases = _phases, Folder = _options.Keep ? Folder.Path : null };
    }

    /// <summary>Cleans up after a run that failed or was cancelled.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_cleanedUp)
        {
            return;
        }

        try
        {
            await CleanUpAsync();
        }
        catch (MigrationException error)
        {
            _observer.Warning(error.Message); // what made the run fail is the error to end with
        }
    }

    private async Task<RehearsalReport> RehearseAsync(CancellationToken cancel)
    {
        var legs = new List<RehearsalEvidence>();
        var (own, lag, size) = _options.Leg == RehearsalLeg.Second ? await BeginAtOwnServerAsync(cancel) : await RehearseFirstAsync(legs, cancel);
        if (_options.Leg != RehearsalLeg.First)
        {
            lag = await RehearseSecondAsync(own, legs, cancel) is var second && lag is null ? second : lag;
        }

        await PhaseAsync("Run on the new server", () => SoakAsync(cancel));
        var proofs = await PhaseAsync("Prove", () => ProveAsync(legs, cancel));
        return RehearsalReport.From(legs, proofs, _phases, lag!, size, _startedAt) with { Story = _incident?.Story.ToArray() ?? [] };
    }

    /// <summary>From a host without superuser to a server of one's own.</summary>
    private async Task<(OwnServer Own, ReplicationLag? Lag, long Size)> RehearseFirstAsync(List<RehearsalEvidence> legs, CancellationToken cancel)
    {
        var archive = await PhaseAsync("Make the host", () => MakeHostAsync(cancel));
        long size = await PhaseAsync("Fill it", () => RehearsalData.FillAsync(_host!.App, _options.DataSize, _observer, cancel), bytes => bytes);
        await PhaseAsync("Start the app", () => StartAppAsync(cancel));
        var backup = await PhaseAsync("Back it up", () => HostBackup.TakeAsync(_host!, archive, _observer, cancel), backup => backup.UncompressedSize);
        var link = await PhaseAsync("Restore the backup", () => RestoreAsync(archive, cancel), _ => backup.UncompressedSize);
        var (_, lag) = await PhaseAsync("Follow the archive", () => FollowAsync(link, cancel), followed => followed.Replayed);
        var began = _journal!.Now;
        var options = new CutoverOptions { MaxLagBytes = Math.Max(_options.LagBelow * 2, 64L << 20) };
        await PhaseAsync("Cut over", () => CutOverAsync(link, _host!.App, options, "cutover.journal", cancel));
        var own = new OwnServer(link.TargetForApp(_host!.App), link.Target);
        legs.Add(new RehearsalEvidence
        {
            Journal = _journal, OldServer = _host.Superuser, OldServerAsApp = _host.App, NewServer = own.App, CutoverBegan = began, CutoverEnded = _journal.Now,
            StraightWriter = _options.App.Writers,
        });
        return (own, lag, size);
    }

    /// <summary>A server of one's own with data and app, without the leg that leads there.</summary>
    private async Task<(OwnServer Own, ReplicationLag? Lag, long Size)> BeginAtOwnServerAsync(CancellationToken cancel)
    {
        await PhaseAsync("Make the server", async () =>
        {
            _folder = await WorkFolder.CreateAsync(_options.Path, _options.User, cancel);
            _host = await LockedDownHost.CreateAsync(Folder, new LockedDownHostOptions { Binaries = _binaries, ArchiveCommand = "/bin/true", Settings = ["wal_level = logical"] }, cancel);
        });
        long size = await PhaseAsync("Fill it", () => RehearsalData.FillAsync(_host!.App, _options.DataSize, _observer, cancel), bytes => bytes);
        await PhaseAsync("Start the app", () => StartAppAsync(cancel));
        return (new OwnServer(_host!.App, _host.Superuser), null, size);
    }

    /// <summary>From a server of one's own to a managed one, by DMS.</summary>
    private async Task<ReplicationLag> RehearseSecondAsync(OwnServer own, List<RehearsalEvidence> legs, CancellationToken cancel)
    {
        int straight = _options.Leg == RehearsalLeg.Second ? _options.App.Writers : _app!.AddStraight(own.App);
        var second = _second = new SecondLeg(Folder, own, _options, _observer);
        await PhaseAsync("Make the managed server", () => second.MakeAuroraAsync(_binaries, cancel));
        await PhaseAsync("Copy the schema", () => second.CopySchemaAsync(SchemaSection.PreData, cancel));
        await PhaseAsync("Check readiness", () => second.CheckReadinessAsync(cancel));
        await PhaseAsync("Load by DMS", () => second.LoadAsync(status => Report("Load by DMS", status), cancel));
        await PhaseAsync("Build what was left", () => second.CopySchemaAsync(SchemaSection.PostData, cancel));
        var lag = await PhaseAsync("Follow the changes", () => second.FollowAsync(status => Report("Follow the changes", status), cancel));
        var began = _journal!.Now;
        if (_options.Incident == RehearsalIncident.SequencesForgotten)
        {
            began = await ReplayAsync(second, own, cancel);
        }
        else
        {
            await PhaseAsync("Cut over by DMS", () => CutOverAsync(second.Link, own.Superuser, new CutoverOptions { AppTarget = second.Aurora.App, AppSource = own.App }, "cutover2.journal", cancel));
        }

        if (legs.Count > 0)
        {
            legs[0] = legs[0] with { LaterPorts = [second.Aurora.App.Port] };
        }

        legs.Add(new RehearsalEvidence
        {
            Leg = RehearsalLeg.Second, Journal = _journal, OldServer = own.Superuser, OldServerAsApp = own.App, NewServer = second.Aurora.App, CutoverBegan = began, CutoverEnded = _journal.Now,
            EarlierPorts = legs.ConvertAll(leg => leg.OldServer.Port), StraightWriter = straight,
        });
        return lag;
    }

    /// <summary>The accident in place of the cutover; returns when the one that went through began.</summary>
    private async Task<DateTime> ReplayAsync(SecondLeg second, OwnServer own, CancellationToken cancel)
    {
        _incident = new SequencesIncident(second, own, App(), _journal!, Folder, _observer);
        await PhaseAsync("Cut over with the gate", () => _incident.RefuseAsync(cancel));
        await PhaseAsync("Follow again", () => second.FollowAsync(status => Report("Follow again", status), cancel));
        var began = _journal!.Now;
        await PhaseAsync("Cut over without it", () => _incident.ForgetAsync(cancel));
        await PhaseAsync("Mend the sequences", () => _incident.MendAsync(cancel));
        return began;
    }

    private async Task<IReadOnlyList<RehearsalProof>> ProveAsync(List<RehearsalEvidence> legs, CancellationToken cancel)
    {
        var proofs = new List<RehearsalProof>(_incident?.Proofs ?? []);
        foreach (var leg in legs)
        {
            proofs.AddRange(await RehearsalProofs.ProveAsync(leg, cancel));
        }

        // that the app met errors is what an accident is about
        return _incident is null ? proofs : [.. proofs.Where(proof => !proof.Name.EndsWith(RehearsalProofs.NoErrors, StringComparison.Ordinal) && !proof.Name.EndsWith(RehearsalProofs.SequencesGoOn, StringComparison.Ordinal))];
    }

    private PgBouncerApp App() => new(_pooler!.Admin, _host!.App.Database, _pooler.ConfigurationFile);

    private async Task<ArchiveAccess> MakeHostAsync(CancellationToken cancel)
    {
        _folder = await WorkFolder.CreateAsync(_options.Path, _options.User, cancel);
        var archive = ArchiveAccess.To(await Folder.MakeAsync("archive", cancel));

        // a copy within the OS user's reach, which a checkout in the home of root, say, is not
        string push = await Folder.CopyProgramAsync("walprefetch", RestorePrograms.Find(_options.ProgramFolder).Prefetch, cancel);
        archive.Save(Folder["archive.json"]);
        string access = await Folder.WriteAsync("archive.json", await File.ReadAllTextAsync(Folder["archive.json"], cancel), cancel);
        _host = await LockedDownHost.CreateAsync(Folder, new LockedDownHostOptions { Binaries = _binaries, ArchiveCommand = $"{LockedDownHostOptions.Word(push)} push {LockedDownHostOptions.Word(access)} %p %f" }, cancel);
        return archive;
    }

    private async Task<bool> StartAppAsync(CancellationToken cancel)
    {
        _pooler = await LocalPgBouncer.StartAsync(Folder, _host!, cancel: cancel);
        _journal = new CommitJournal(Folder["commits.journal"]);
        _app = new RehearsalApp(_pooler.App, _host!.App, _options.App, _journal);
        await _app.StartAsync(cancel);
        return true;
    }

    private Task<WalLink> RestoreAsync(ArchiveAccess archive, CancellationToken cancel) => WalRestore.StartAsync(new WalRestoreOptions
    {
        Archive = archive, DataDirectory = Target, Source = _host!.App, Port = LoopbackPort.Free(), PostgresBin = _binaries.Folder, User = _options.User, ProgramFolder = _options.ProgramFolder,
    }, _observer, cancel);

    /// <summary>Follows for a while, and then until all is replayed but what is on its way: the archive has no part of a segment.</summary>
    private async Task<(long Replayed, ReplicationLag Lag)> FollowAsync(ReplicationLink link, CancellationToken cancel)
    {
        Lsn? first = null;
        for (var clock = Stopwatch.StartNew(); ;)
        {
            var lag = await link.MeasureLagAsync(cancel);
            first ??= lag.TargetLsn;
            Report("Follow the archive", string.Create(CultureInfo.InvariantCulture, $"{lag.State}, {lag.Bytes / 1e6:F1} MB behind, {_journal!.Commits.Count} commits"));
            if (lag.Bytes <= _options.LagBelow && lag.State is LinkState.Following or LinkState.CatchingUp && clock.Elapsed >= _options.Follow)
            {
                return (lag.TargetLsn!.Value - first!.Value, lag);
            }

            if (lag.State is LinkState.Broken or LinkState.Stopped || clock.Elapsed > _options.Follow + LagPatience)
            {
                throw new MigrationException("RehearsalLagStuck", lag.State == LinkState.Broken ? MigrationErrorKind.InvalidData : MigrationErrorKind.Timeout,
                    string.Create(CultureInfo.InvariantCulture, $"After {clock.Elapsed.TotalSeconds:F0} s the restored server is still {lag.Bytes / 1e6:F1} MB behind ({lag.State}): {lag.Detail} Run again with -Keep to look at its log."));
            }

            await Task.Delay(100, cancel);
        }
    }

    private async Task<CutoverReport> CutOverAsync(ReplicationLink link, PgServer source, CutoverOptions options, string journal, CancellationToken cancel)
    {
        return await new Cutover(link, source, App(), options, _observer).RunAsync(Folder[journal], cancel);
    }

    private async Task<bool> SoakAsync(CancellationToken cancel)
    {
        await Task.Delay(_options.Soak, cancel);
        await _app!.StopAsync(StopPatience);
        return true;
    }

    private async Task<T> PhaseAsync<T>(string name, Func<Task<T>> work, Func<T, long?>? bytes = null)
    {
        Report(name, "begun");
        var clock = Stopwatch.StartNew();
        var result = await work();
        _phases.Add(new RehearsalPhase(name, clock.Elapsed, bytes?.Invoke(result)));
        return result;
    }

    private Task PhaseAsync(string name, Func<Task> work) => PhaseAsync(name, async () =>
    {
        await work();
        return true;
    });

    private void Report(string phase, string status) =>
        _observer.Progress(new MigrationProgress(Activity, $"{phase}: {status}") { Percent = Math.Min(99, 100 * _phases.Count / PhaseCount) });

    /// <summary>Ends every process and, unless they are to be kept, removes the files. Goes on when one part fails, and then says so.</summary>
    private async Task CleanUpAsync()
    {
        var failures = new List<Exception>();
        await TryAsync(async () => await (_app?.DisposeAsync() ?? default));
        await TryAsync(async () => await (_pooler?.DisposeAsync() ?? default));
        await TryAsync(async () => await (_second?.DisposeAsync() ?? default));
        if (_folder is not null)
        {
            await TryAsync(StopTargetAsync);
            await TryAsync(() => new LocalServer(_binaries, Folder["host"], _options.User).StopAsync(_options.Keep ? "fast" : "immediate"));
        }

        _journal?.Dispose();
        if (!_options.Keep)
        {
            await TryAsync(() => Task.Run(() => _folder?.Remove()));
        }
        else if (_folder is not null)
        {
            _observer.Warning($"Everything was kept in {Folder.Path}: host (the old server), target (the new one), aurora and dms (the second leg's), archive, commits.journal (what the app remembers), cutover.journal. All servers are stopped; start one as {_options.User.Name} with '{_binaries["pg_ctl"]} start -D <folder>'.");
        }

        if (failures.Count > 0)
        {
            throw new MigrationException("RehearsalCleanUpFailed", MigrationErrorKind.InvalidOperation,
                $"The rehearsal could not remove all that it made in {_folder?.Path}: {string.Join(" ", failures.Select(failure => failure.Message))} Look for processes that still use that folder, then delete it.", failures[0]);
        }

        async Task TryAsync(Func<Task> part)
        {
            try
            {
                await part();
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                failures.Add(error);
            }
        }
    }

    private async Task StopTargetAsync()
    {
        if (!_options.Keep)
        {
            await new LocalServer(_binaries, Target, _options.User).StopAsync("immediate"); // what is removed needs no last checkpoint
        }

        if (File.Exists(new RestoreLayout(Target).RecordFile))
        {
            await WalRestore.StopAsync(Target, evenIfPromoted: true);
        }
    }
}
