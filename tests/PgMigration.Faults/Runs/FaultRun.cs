using System.Diagnostics;
using System.Globalization;

namespace PgMigration.Faults;

/// <summary>One cutover under one scenario: begun, struck, gone on with or gone back from as a human would, and judged.</summary>
internal sealed class FaultRun
{
    private const int MostSessions = 9;
    private static readonly TimeSpan SessionLimit = TimeSpan.FromSeconds(200);

    private readonly FaultBed _bed;
    private readonly Scenario _scenario;
    private readonly string? _sabotage;
    private readonly Random _random;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<string> _log = [];
    private readonly List<string> _stuck = [];
    private readonly List<Task> _mending = [];
    private readonly List<string> _said = [];
    private FaultsApp _app = null!;
    private Striker _striker = null!;
    private FaultKind? _pending;

    private FaultRun(FaultBed bed, Scenario scenario, string? sabotage)
    {
        _bed = bed;
        _scenario = scenario;
        _sabotage = sabotage;
        _random = new Random(scenario.Seed ^ 0x5EED);
    }

    /// <summary>Runs it.</summary>
    public static Task<RunResult> RunAsync(FaultBed bed, Scenario scenario, string? sabotage = null) => new FaultRun(bed, scenario, sabotage).RunAsync();

    private async Task<RunResult> RunAsync()
    {
        Log(_scenario.ToString());
        await _bed.ResetAsync(limitDisk: FaultBed.CanLimitDisk && (_scenario.Kind == FaultKind.TargetDiskFull || _scenario.Second == FaultKind.TargetDiskFull));
        string rights = await ServerState.RightsAsync(_bed.Host.Superuser);
        await using var app = new FaultsApp(_bed);
        _app = app;
        _striker = new Striker(_bed, app.Journal, _random, Log);
        await app.StartAsync();
        var end = await CutOverAsync();
        await Task.WhenAll(_mending);
        await _bed.StartSourceAsync();
        await _bed.StartPoolerAsync();
        if (end == CutoverOutcome.CutOver || _random.Next(2) == 0)
        {
            await _bed.StartTargetAsync(); // also one that an undo has stopped: it was promoted, and must refuse all the same
        }

        var verdict = new Verdict(_bed, app.Journal, _striker.Crashes);
        if (end is { } reached)
        {
            int port = reached == CutoverOutcome.CutOver ? _bed.Link.Target.Port : _bed.Host.App.Port;
            if (await app.ProveAliveAsync(port, _scenario.AliveLimit) is { } dead)
            {
                Stuck(dead);
            }

            await app.StopAsync();
            await verdict.JudgeAsync(reached);
            await FindLeftAsync(reached, rights);
        }
        else
        {
            await app.StopAsync();
        }

        foreach (string process in await _bed.StopAsync())
        {
            Stuck($"left behind: process {process}");
        }

        return new RunResult(_scenario, end, verdict.Lost, verdict.Doubled, verdict.SplitBrain, _stuck, app.Journal.Commits.Count, _clock.Elapsed, _log);
    }

    // A human at a console: the command, what it says, the next command.
    private async Task<CutoverOutcome?> CutOverAsync()
    {
        string journal = NewJournal(0);
        string verb = "invoke";
        _pending = _scenario.Kind;
        bool triedAgain = false;
        for (int number = 1; number <= MostSessions; number++)
        {
            using var session = await SessionAsync(verb, journal, number);
            var state = Read(journal);
            Log($"  journal: {state?.Outcome.ToString() ?? "none"}{(state?.LastStep is { } step ? $", {step} {state.LastEvent}" : string.Empty)}");
            switch (state?.Outcome)
            {
                case CutoverOutcome.CutOver:
                    return CutoverOutcome.CutOver;
                case CutoverOutcome.BackOnSource when session.ErrorId == "CutoverNotBegun" && number < MostSessions:
                case null:
                    await Task.WhenAll(_mending); // what the gate said no to is mended first
                    (journal, verb) = (NewJournal(number), "invoke");
                    break;
                case CutoverOutcome.BackOnSource when _scenario.TriesAgain && !triedAgain && !IsBegun(state, nameof(PromoteTarget)):
                    triedAgain = true;
                    await Task.WhenAll(_mending);
                    await _bed.StartSourceAsync();
                    await _bed.StartTargetAsync();
                    (journal, verb) = (NewJournal(number), "invoke");
                    break;
                case CutoverOutcome.BackOnSource:
                    return CutoverOutcome.BackOnSource;
                default:
                    if (!_scenario.Impatient || number > 1)
                    {
                        await Task.WhenAll(_mending);
                    }

                    verb = session.ErrorId switch
                    {
                        "CutoverNotUndoable" or "CutoverIncomplete" => "resume",
                        "CutoverBeingUndone" or "CutoverUndoFailed" => "undo",
                        _ => verb == "invoke" ? _scenario.GoesBack ? "undo" : "resume" : verb,
                    };
                    _pending = number == 1 ? _scenario.Second : null;
                    break;
            }
        }

        Stuck($"after {MostSessions} sessions the cutover is at neither end");
        return null;
    }

    private async Task<SessionProcess> SessionAsync(string verb, string journal, int number)
    {
        bool first = number == 1 || (verb == "invoke" && _pending == _scenario.Kind);
        var (step, boundary) = first ? (_scenario.Step, _scenario.Boundary) : SecondMoment(verb, journal);
        string begin = $"{step} before";
        string? waitAt = _pending is null || boundary is null ? null : $"{step} {boundary}";
        var session = SessionProcess.Start(_bed.SetupFile, verb, journal, waitAt, _sabotage, Log);
        if (_pending is { } kind && (kind != FaultKind.TargetDiskFull || FaultBed.CanLimitDisk) && await session.ReachAsync(waitAt ?? begin, SessionLimit))
        {
            if (waitAt is null)
            {
                await Task.Delay(_scenario.Delay);
            }

            _pending = null;
            var mend = await _striker.StrikeAsync(kind, session);
            _mending.Add(MendAsync(kind, mend));
            session.GoOn();
        }

        if (!await session.EndAsync(SessionLimit))
        {
            Stuck($"the session of '{verb}' did not end within {SessionLimit.TotalSeconds} s");
        }

        _said.AddRange(session.Lines);
        if (session.Lines.FirstOrDefault(line => line.StartsWith("CRASHED", StringComparison.Ordinal)) is { } crash)
        {
            Stuck($"the session of '{verb}' ended in an error that is none of ours: {crash}");
        }

        return session;
    }

    // For the session that goes on or back: some step that it will take.
    private (string Step, string? Boundary) SecondMoment(string verb, string journal)
    {
        string? boundary = _random.Next(3) switch { 0 => "before", 1 => "after", _ => null };
        var begun = Read(journal)?.Entries.Where(entry => entry.Event == CutoverEvent.Begun).Select(entry => entry.Step!).Distinct().ToList() ?? [];
        if (verb == "undo" && begun.Count > 0)
        {
            return ($"undo {begun[_random.Next(begun.Count)]}", boundary);
        }

        var steps = CutoverPlan.ForWal().Steps.Select(step => step.Name).SkipWhile(name => name != nameof(PauseApp)).ToList();
        return (steps[_random.Next(steps.Count)], boundary);
    }

    private async Task MendAsync(FaultKind kind, Func<Task> mend)
    {
        await Task.Delay(_scenario.Duration);
        await mend();
        Log($"MENDED {kind}");
    }

    private async Task FindLeftAsync(CutoverOutcome end, string rights)
    {
        bool cutOver = end == CutoverOutcome.CutOver;
        var home = cutOver ? _bed.Link.Target : _bed.Host.Superuser;
        string now = await ServerState.RightsAsync(home);
        if (now != rights)
        {
            var difference = now.Split('\n').Except(rights.Split('\n')).Select(line => $"+ {line}").Concat(rights.Split('\n').Except(now.Split('\n')).Select(line => $"- {line}"));
            Stuck($"rights and settings where the app is now differ from those before: {string.Join("; ", difference)}");
        }

        foreach (string left in await ServerState.LeftAsync(home))
        {
            Stuck($"left behind where the app is now: {left}");
        }

        string expected = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{(cutOver ? _bed.Link.Target.Port : _bed.Host.App.Port)} paused=0");
        if (await ServerState.PoolerAsync(_bed) is var pooler && pooler != expected)
        {
            Stuck($"the pooler says {pooler}, expected {expected}");
        }

        if (cutOver && await OldServerFence.ProveAsync(_bed.Host.App, CancellationToken.None) is { Passed: false } fence)
        {
            Stuck($"the old server does not refuse: {fence.Detail}");
        }

        // A target that was away when a cutover was undone keeps its setting for readers, as that undo has said; the next one takes it back.
        bool told = _said.Any(line => line.Contains("max_standby_archive_delay stays", StringComparison.Ordinal));
        if (!cutOver && _bed.Target.ProcessId is not null && !told)
        {
            foreach (string left in (await ServerState.LeftAsync(_bed.Link.Target)).Where(left => left.Contains("max_standby", StringComparison.Ordinal)))
            {
                Stuck($"left behind on the target: {left}");
            }
        }
    }

    private static bool IsBegun(CutoverRecord record, string step) => record.Entries.Any(entry => entry.Event == CutoverEvent.Begun && entry.Step == step);

    private static CutoverRecord? Read(string journal)
    {
        try
        {
            return CutoverRecord.Read(journal);
        }
        catch (MigrationException)
        {
            return null; // it was killed before it had planned anything
        }
    }

    private string NewJournal(int number)
    {
        string path = Path.Combine(_bed.Folder, string.Create(CultureInfo.InvariantCulture, $"{number}.journal"));
        File.Delete(path);
        return path;
    }

    private void Stuck(string what)
    {
        Log($"WRONG {what}");
        _stuck.Add(what);
    }

    private void Log(string line)
    {
        lock (_log)
        {
            _log.Add(string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:HH:mm:ss.fff} {_clock.Elapsed.TotalSeconds,7:0.000} {line}"));
        }
    }
}
