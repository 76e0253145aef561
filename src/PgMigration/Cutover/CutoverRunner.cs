using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>
/// Takes the steps of a plan: journal "begun", do, prove, journal "done". A resume and an undo read the same journal and take the same
/// steps; there is no second path for trouble.
/// </summary>
public sealed class CutoverRunner
{
    private static readonly TimeSpan UndoTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan AheadTimeout = TimeSpan.FromSeconds(60);

    private readonly CutoverPlan _plan;
    private readonly CutoverContext _context;
    private readonly List<CutoverStepReport> _reports = [];

    /// <summary>Prepares to run a plan.</summary>
    public CutoverRunner(CutoverPlan plan, CutoverContext context)
    {
        _plan = plan;
        _context = context;
    }

    private CutoverJournal Journal => _context.Journal;

    /// <summary>Whether the first step that opens the target has been begun: the journal decides, not the servers.</summary>
    private bool IsPastPointOfNoReturn => _plan.Steps.Any(step => step.Mark == CutoverMark.PointOfNoReturn && IsBegun(step));

    /// <summary>Runs the plan; with a journal that knows steps already, goes on where it stopped.</summary>
    /// <param name="cancel">Before the point of no return: undoes what was done. After it the rest runs to its end all the same.</param>
    /// <exception cref="MigrationException"><c>CutoverNotBegun</c>: a gate said no and nothing was touched. <c>CutoverUndone</c>: a step failed and all is as before. <c>CutoverUndoFailed</c>,
    /// <c>CutoverIncomplete</c>: neither end was reached; the message says what is true now and what to run.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled and undone.</exception>
    public async Task<CutoverReport> RunAsync(CancellationToken cancel = default)
    {
        RefuseEnded();
        if (Journal.Entries.Any(entry => entry.Event == CutoverEvent.UndoBegun))
        {
            throw new MigrationException("CutoverBeingUndone", MigrationErrorKind.InvalidOperation,
                $"An undo of this cutover was begun; finish it with Undo-Cutover -Journal '{Journal.Path}'.");
        }

        bool resumed = Journal.Entries.Count > 0;
        await RefuseStaleAsync(cancel);
        if (!resumed)
        {
            Journal.Write(CutoverEvent.Planned, text: string.Join(", ", _plan.Steps.Select(step => step.Name)), facts: _context.Facts);
        }

        using var pause = new PauseDeadline(_context.Options.MaxPause);
        for (int index = resumed ? FirstStepToTake() : 0; index < _plan.Steps.Count; index++)
        {
            var step = _plan.Steps[index];
            try
            {
                await TakeAsync(step, index, pause, cancel);
            }
            catch (Exception error)
            {
                await GiveUpAsync(step, error, pause, cancel);
                throw; // not reached: giving up always throws
            }
        }

        _context.Observer.Progress(new MigrationProgress("Cutover", "done") { Percent = 100, Completed = true });
        Tell(CutoverEvent.CutOver);
        return Report(CutoverOutcome.CutOver);
    }

    /// <summary>Takes back every step that was begun, last to first.</summary>
    /// <exception cref="MigrationException"><c>CutoverNotUndoable</c>: the target was opened, so commits made there would be lost.</exception>
    public async Task<CutoverReport> UndoAsync()
    {
        RefuseEnded();
        if (IsPastPointOfNoReturn)
        {
            throw new MigrationException("CutoverNotUndoable", MigrationErrorKind.InvalidOperation,
                $"The target {_context.Target} was opened to the app; what was committed there since would be lost by going back. Finish with Resume-Cutover -Journal '{Journal.Path}'.");
        }

        await RefuseStaleAsync(CancellationToken.None);
        return await TakeBackAsync();
    }

    private async Task<CutoverReport> TakeBackAsync()
    {
        foreach (var step in _plan.Steps.Reverse().Where(step => IsBegun(step) && !IsUndone(step)))
        {
            Tell(CutoverEvent.UndoBegun, step.Name);
            using var deadline = new CancellationTokenSource(UndoTimeout);
            try
            {
                await PersistAsync(() => step.UndoAsync(_context, deadline.Token), deadline.Token);
            }
            catch (Exception error)
            {
                string reason = Explain(error, deadline.IsCancellationRequested ? UndoTimeout : null);
                Tell(CutoverEvent.UndoFailed, step.Name, reason);
                throw new MigrationException("CutoverUndoFailed", MigrationErrorKind.InvalidOperation,
                    $"Taking back {step.Name} failed: {reason} The steps before it are still in force, so the app may still be paused and the source fenced. Mend the cause, then run Undo-Cutover -Journal '{Journal.Path}'.", error);
            }

            Journal.Hold(CutoverEvent.Undone, step.Name);
        }

        _context.Observer.Progress(new MigrationProgress("Cutover", "undone") { Percent = 100, Completed = true });
        Tell(CutoverEvent.BackOnSource);
        return Report(CutoverOutcome.BackOnSource);
    }

    private async Task TakeAsync(ICutoverStep step, int index, PauseDeadline pause, CancellationToken cancel)
    {
        _context.Observer.Progress(new MigrationProgress("Cutover", step.Effect) { Percent = 100 * index / _plan.Steps.Count });
        bool past = IsPastPointOfNoReturn;
        bool opening = past || step.Mark == CutoverMark.PointOfNoReturn;
        if (opening && !past)
        {
            cancel.ThrowIfCancellationRequested();
            pause.Stop();
        }

        // From the point of no return on the only safe end lies ahead.
        var token = opening ? CancellationToken.None : pause.Link(cancel);
        if (IsBegun(step) && await step.IsDoneAsync(_context, token))
        {
            Journal.Hold(CutoverEvent.Done, step.Name, "found done");
            return;
        }

        if (past)
        {
            Tell(CutoverEvent.Begun, step.Name);
        }
        else
        {
            Journal.Write(CutoverEvent.Begun, step.Name);
        }

        if (step.Name == nameof(PauseApp))
        {
            pause.Start();
            token = pause.Link(cancel);
        }

        var clock = Stopwatch.StartNew();
        string proof = string.Empty;
        if (opening)
        {
            using var deadline = new CancellationTokenSource(AheadTimeout);
            await PersistAsync(async () => proof = await step.DoAsync(_context, deadline.Token), deadline.Token);
        }
        else
        {
            proof = await step.DoAsync(_context, token);
        }

        Journal.Hold(CutoverEvent.Done, step.Name, proof);
        _reports.Add(new CutoverStepReport(step.Name, clock.Elapsed, proof));
        _context.Observer.Verbose(string.Create(CultureInfo.InvariantCulture, $"{step.Name}: {proof} ({clock.Elapsed.TotalMilliseconds:0} ms)"));
    }

    // On the way back, and behind the point of no return, a journal that cannot be written (a full disk) must not keep the app waiting: what
    // is on disk leads whoever reads it the same way.
    private void Tell(CutoverEvent what, string? step = null, string? text = null)
    {
        try
        {
            Journal.Write(what, step, text);
        }
        catch (MigrationException error) when (error.ErrorId == "JournalNotWritable")
        {
            _context.Observer.Warning($"{error.Message} It goes on without: {what} {step} is not on record.");
        }
    }

    // Where only one way is left, a server that restarts or a network that blinks is no reason to stop: sessions are opened anew.
    private static async Task PersistAsync(Func<Task> act, CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                await act();
                return;
            }
            catch (Exception error) when (!cancel.IsCancellationRequested && error is MigrationException { Kind: MigrationErrorKind.Connection }
                or NpgsqlException { SqlState: null or PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow } or IOException)
            {
                await Task.Delay(200, cancel);
            }
        }
    }

    private async Task GiveUpAsync(ICutoverStep step, Exception error, PauseDeadline pause, CancellationToken cancel)
    {
        string reason = Explain(error, pause.HasPassed ? _context.Options.MaxPause : IsPastPointOfNoReturn ? AheadTimeout : null);
        Tell(CutoverEvent.Failed, step.Name, reason);
        if (IsPastPointOfNoReturn)
        {
            throw new MigrationException("CutoverIncomplete", MigrationErrorKind.InvalidOperation,
                $"{step.Name} failed after the point of no return: {reason} The target {_context.Target} is the server to use now. Mend the cause, then run Resume-Cutover -Journal '{Journal.Path}'.", error);
        }

        await TakeBackAsync();
        if (cancel.IsCancellationRequested)
        {
            throw new OperationCanceledException($"The cutover was cancelled at {step.Name} and undone; the app runs on {_context.Source} as before.", error, cancel);
        }

        string price = _plan.Steps.Any(each => each.Mark == CutoverMark.Promotion && IsBegun(each))
            ? " The target had been promoted and is stopped; it needs a new restore before the next try."
            : string.Empty;
        throw new MigrationException(step.Name == nameof(CheckGates) ? "CutoverNotBegun" : "CutoverUndone", (error as MigrationException)?.Kind ?? MigrationErrorKind.InvalidOperation,
            step.Name == nameof(CheckGates)
                ? $"The cutover did not begin: {reason} Nothing was changed."
                : $"{step.Name} failed: {reason} Everything was undone; the app runs on {_context.Source} as before.{price}", error);
    }

    // Where a resumed cutover goes on. Gates are for beginning: once the app is paused it goes on from the pause, and asks and proves
    // everything anew. Once the promotion was begun the source has no more to say: a new nonce would never reach the target.
    private int FirstStepToTake()
    {
        int At(Func<ICutoverStep, bool> which) => _plan.Steps.TakeWhile(step => !which(step)).Count();
        int promotion = At(step => step.Mark == CutoverMark.Promotion);
        int pause = At(step => step.Name == nameof(PauseApp));
        return _plan.Steps.Skip(promotion).Any(IsBegun) ? promotion : _plan.Steps.Skip(pause).Any(IsBegun) ? pause : 0;
    }

    private bool IsBegun(ICutoverStep step) => Journal.Entries.Any(entry => entry.Event == CutoverEvent.Begun && entry.Step == step.Name);

    private bool IsUndone(ICutoverStep step) => Journal.Entries.Any(entry => entry.Event == CutoverEvent.Undone && entry.Step == step.Name);

    private void RefuseEnded()
    {
        if (Journal.Entries is [.., { Event: CutoverEvent.CutOver or CutoverEvent.BackOnSource } last])
        {
            throw new MigrationException("CutoverEnded", MigrationErrorKind.InvalidOperation,
                $"The cutover of {Journal.Path} has ended ({last.Event}, {last.At:u}). Begin a new one with Invoke-Cutover.");
        }

    }

    // A journal that slept while another cutover went through must not act on servers that have moved on: its undo would open a source
    // whose app lives elsewhere, its resume would pause an app that is none of its business.
    private async Task RefuseStaleAsync(CancellationToken cancel)
    {
        if (!IsBegun(_plan.Steps[1]) || _plan.Steps.Any(step => step.Mark != CutoverMark.None && IsBegun(step)))
        {
            return; // nothing done yet; or promoted by us, which the nonce on the target decides
        }

        try
        {
            // The row of a cutover that went through stays on the old server: it tells also when the target cannot be asked.
            if (await MarkTable.FindOtherAsync(await _context.SourceSessionAsync(cancel), _context.Facts.Id, cancel) is { } other)
            {
                throw new MigrationException("JournalStale", MigrationErrorKind.InvalidOperation,
                    $"The source {_context.Source} was claimed by another cutover ({other}) after that of {Journal.Path}. Nothing was done. See Get-Cutover for the newer one.");
            }
        }
        catch (Exception error) when (error is NpgsqlException or MigrationException { Kind: MigrationErrorKind.Connection })
        {
            _context.Observer.Warning($"The source could not be asked whether another cutover has claimed it: {Redaction.Of(error.Message)}");
        }

        try
        {
            var target = await _context.TargetSessionAsync(cancel);
            if (!await target.ScalarAsync<bool>("select pg_is_in_recovery()", cancel))
            {
                throw new MigrationException("JournalStale", MigrationErrorKind.InvalidOperation,
                    $"The target {_context.Target} has been promoted, and not by the cutover of {Journal.Path}: something else went on since. Nothing was done. See Get-Cutover for the newer one.");
            }
        }
        catch (Exception error) when (error is NpgsqlException or MigrationException { Kind: MigrationErrorKind.Connection })
        {
            _context.Observer.Warning($"The target could not be asked whether it still follows: {Redaction.Of(error.Message)}");
        }
    }

    private static string Explain(Exception error, TimeSpan? passed) => error switch
    {
        OperationCanceledException when passed is { } limit => string.Create(CultureInfo.InvariantCulture, $"it was not done within {limit.TotalSeconds:0.#} s."),
        OperationCanceledException => "it was cancelled.",
        PostgresException server => Redaction.Of($"{server.SqlState}: {server.MessageText}."),
        _ => Redaction.Of(error.Message),
    };

    private CutoverReport Report(CutoverOutcome outcome)
    {
        DateTime? Of(CutoverEvent what, string step) => Journal.Entries.LastOrDefault(entry => entry.Event == what && entry.Step == step)?.At;
        var from = Of(CutoverEvent.Begun, nameof(PauseApp));
        var to = Of(CutoverEvent.Done, nameof(ResumeApp)) ?? Of(CutoverEvent.Undone, nameof(PauseApp));
        return new CutoverReport
        {
            Id = _context.Facts.Id,
            Outcome = outcome,
            Source = _context.Source,
            Target = _context.AppTarget,
            Paused = to - from,
            MarkLsn = _context.Facts.MarkLsn,
            Steps = _reports,
            Journal = Journal.Path,
            EndedAt = DateTime.UtcNow,
        };
    }

    /// <summary>Runs from the begin of the pause; ends the steps' work when it passes.</summary>
    private sealed class PauseDeadline(TimeSpan limit) : IDisposable
    {
        private readonly CancellationTokenSource _source = new();
        private CancellationTokenSource? _linked;
        private bool _started;

        public bool HasPassed => _started && _source.IsCancellationRequested;

        public void Start()
        {
            _started = true;
            _source.CancelAfter(limit);
        }

        public void Stop() => _source.CancelAfter(Timeout.InfiniteTimeSpan);

        public CancellationToken Link(CancellationToken cancel)
        {
            _linked ??= CancellationTokenSource.CreateLinkedTokenSource(cancel, _source.Token);
            return _linked.Token;
        }

        public void Dispose()
        {
            _linked?.Dispose();
            _source.Dispose();
        }
    }
}
