using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace PgMigration;

/// <summary>
/// Takes the steps of a plan: journal "begun", do, prove, journal "done". A resume and an undo read the same journal and take the same
/// steps; there is no second path for trouble.
/// </summary>
public sealed partial class CutoverRunner
{
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

    private (CutoverOutcome Reached, CutoverEvent Event, PgServer Server) Ahead => _plan.IsReturn ? Home(false) : Home(true);

    private (CutoverOutcome Reached, CutoverEvent Event, PgServer Server) Behind => _plan.IsReturn ? Home(true) : Home(false);

    /// <summary>Runs the plan; with a journal that knows steps already, goes on where it stopped.</summary>
    /// <param name="cancel">Before the point of no return: undoes what was done. After it the rest runs to its end all the same.</param>
    /// <exception cref="MigrationException"><c>CutoverNotBegun</c>: a gate said no and nothing was touched. <c>CutoverUndone</c>: a step failed and all is as before. <c>CutoverUndoFailed</c>,
    /// <c>CutoverIncomplete</c>: neither end was reached; the message says what is true now and what to run.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled and undone.</exception>
    public async Task<CutoverReport> RunAsync(CancellationToken cancel = default)
    {
        RefuseEnded();
        if (_context.Options.Until is { } last)
        {
            _plan.CheckUntil(last, _context.Options.LeaveAppPaused);
        }

        if (IsBeingUndone)
        {
            throw new MigrationException("CutoverBeingUndone", MigrationErrorKind.InvalidOperation,
                $"An undo of this cutover was begun; finish it with Undo-Cutover -Journal '{Journal.Path}'.");
        }

        bool resumed = Current.Any();
        await RefuseStaleAsync(undoing: false, cancel);
        await RefuseOpenedSourceAsync(cancel);
        if (!resumed)
        {
            _context.Learn(_context.Facts with { Returning = _plan.IsReturn }, CutoverEvent.Planned, string.Join(", ", _plan.Steps.Select(step => step.Name)));
        }

        using var pause = new PauseDeadline(_context.Options.MaxPause, _context.Options.Clock);
        int pausing = _plan.PlaceOf(_plan.Pause);
        int first = resumed ? FirstStepToTake() : 0;
        var compiled = first < pausing ? CompileAhead.RunAsync(_context.App, _context.Link) : Task.CompletedTask; // who is paused already waits for nothing
        if (resumed)
        {
            await NoteClockAsync(cancel);
        }

        for (int index = first; index < _plan.Steps.Count; index++)
        {
            var step = _plan.Steps[index];
            try
            {
                if (index == pausing - 1)
                {
                    // before the last look at the gates, which must be fresh when the app is paused
                    await CompileAhead.AskAsync(await _context.SourceSessionAsync(cancel), cancel);
                    await NoteClockAsync(cancel);
                    await compiled.WaitAsync(cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // only speed depends on it
                }

                await TakeAsync(step, index, pause, cancel);
            }
            catch (Exception error)
            {
                if (!await IsSourceBackAsync(step, error, pause, cancel))
                {
                    await GiveUpAsync(step, error, pause, cancel);
                    throw; // not reached: giving up always throws
                }

                index = _plan.PlaceOf(nameof(FenceSource)) - 1;
                continue;
            }

            if (_context.Options.Until is { } until && step.Name.Equals(until, StringComparison.OrdinalIgnoreCase) && index < _plan.Steps.Count - 1)
            {
                Journal.Write(CutoverEvent.Stopped, step.Name, $"as told; next is {_plan.Steps[index + 1].Name}");
                _context.Observer.Progress(new MigrationProgress("Cutover", $"stopped behind {step.Name}") { Percent = 100, Completed = true });
                return Report(CutoverOutcome.Unfinished);
            }
        }

        _context.Observer.Progress(new MigrationProgress("Cutover", "done") { Percent = 100, Completed = true });
        Tell(Ahead.Event);
        return Report(Ahead.Reached);
    }

    /// <summary>Takes back every step that was begun, last to first.</summary>
    /// <exception cref="MigrationException"><c>CutoverNotUndoable</c>: the target was opened, so commits made there would be lost.</exception>
    public async Task<CutoverReport> UndoAsync()
    {
        RefuseEnded();
        if (IsPastPointOfNoReturn)
        {
            throw new MigrationException("CutoverNotUndoable", MigrationErrorKind.InvalidOperation,
                _plan.IsReturn ? $"The old server {_context.Source} was opened to the app again. Finish with Undo-Cutover -Journal '{Journal.Path}'."
                : $"The target {_context.Target} was opened to the app, and there is no way back that loses nothing: {await WritesSince.DescribeAsync(_context)}, and would be lost. Finish with Resume-Cutover -Journal '{Journal.Path}'.");
        }

        await RefuseStaleAsync(undoing: true, CancellationToken.None);
        return await TakeBackAsync();
    }

    private async Task<CutoverReport> TakeBackAsync()
    {
        foreach (var step in _plan.Steps.Reverse().Where(step => IsBegun(step) && !IsUndone(step)))
        {
            Tell(CutoverEvent.UndoBegun, step.Name);
            using var deadline = new CancellationTokenSource(_context.Options.UndoTimeout);
            try
            {
                await PersistAsync(() => step.UndoAsync(_context, deadline.Token), deadline.Token);
            }
            catch (Exception error)
            {
                string reason = Explain(error, deadline.IsCancellationRequested ? _context.Options.UndoTimeout : null);
                Tell(CutoverEvent.UndoFailed, step.Name, reason);
                throw new MigrationException("CutoverUndoFailed", MigrationErrorKind.InvalidOperation,
                    $"To undo {step.Name} failed: {reason} The steps before it are not undone. Repair the cause. {AppLocation.Describe(Journal.Entries, Journal.Path, _context.Source, _context.AppTarget)}", error);
            }

            Journal.Hold(CutoverEvent.Undone, step.Name);
        }

        _context.Observer.Progress(new MigrationProgress("Cutover", "undone") { Percent = 100, Completed = true });
        Tell(Behind.Event, facts: _context.Facts with { Returning = false });
        return Report(Behind.Reached);
    }

    private async Task TakeAsync(ICutoverStep step, int index, PauseDeadline pause, CancellationToken cancel)
    {
        _context.Wish = cancel;
        _context.Observer.Progress(new MigrationProgress("Cutover", step.Effect) { Percent = 100 * index / _plan.Steps.Count });
        bool past = IsPastPointOfNoReturn;
        bool opening = past || step.Mark == CutoverMark.PointOfNoReturn;
        if (!past && pause.HasPassed)
        {
            // By the wall clock: this machine may have slept, and no step may be begun on what was true before.
            throw new OperationCanceledException("the app has been paused for too long");
        }

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

        if (step.Name == _plan.Pause)
        {
            pause.Start();
            token = pause.Link(cancel);
        }

        var clock = Stopwatch.StartNew();
        string proof = string.Empty;
        if (opening)
        {
            using var deadline = new CancellationTokenSource(_context.Options.AheadTimeout + step.Takes(_context.Options));
            await PersistAsync(async () => proof = await step.DoAsync(_context, deadline.Token), deadline.Token);
        }
        else if (_plan.Steps.TakeWhile(each => each != step).Append(step).Any(each => each.Mark == CutoverMark.Promotion))
        {
            // To give up from here on costs a new restore: a target that blinks is waited for, as long as the app may be paused.
            await PersistAsync(async () => proof = await step.DoAsync(_context, token), token);
        }
        else
        {
            proof = await step.DoAsync(_context, token);
        }

        Journal.Hold(CutoverEvent.Done, step.Name, proof);
        _reports.Add(new CutoverStepReport(step.Name, clock.Elapsed, proof));
        _context.Observer.Verbose(string.Create(CultureInfo.InvariantCulture, $"{step.Name}: {proof} ({clock.Elapsed.TotalMilliseconds:0} ms)"));
    }

    // A source that restarted, failed over behind its address or was away is asked everything again, within the time that the app may be
    // paused: without it the app could not go on anyway. Trouble with anything else ends in an undo.
    private async Task<bool> IsSourceBackAsync(ICutoverStep step, Exception error, PauseDeadline pause, CancellationToken cancel)
    {
        if (_plan.IsReturn)
        {
            return false;
        }

        int place = _plan.PlaceOf(step.Name);
        if (place < _plan.PlaceOf(nameof(FenceSource)) || place > _plan.PlaceOf(_plan.Drain) || pause.HasPassed || cancel.IsCancellationRequested)
        {
            return false;
        }

        var token = pause.Link(cancel);
        try
        {
            if (error is not MigrationException { ErrorId: "SourceChanged" } && (!IsBrokenConnection(error) || await _context.SourceAnswersAsync(token)))
            {
                return false;
            }

            string reason = Explain(error, null);
            _context.Observer.Warning($"{step.Name}: {reason} The source is asked everything again.");
            Journal.Write(CutoverEvent.Repeated, step.Name, reason);
            _context.FencedIncarnation = null;
            await PersistAsync(() => _context.SourceSessionAsync(token), token);
            return true;
        }
        catch (Exception) when (pause.HasPassed || cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    // A resume may run on another machine: how long the app was paused is then told by the clock that both sessions can ask.
    private async Task NoteClockAsync(CancellationToken cancel)
    {
        TimeSpan? ahead = null;
        try
        {
            var target = await _context.TargetSessionAsync(cancel);
            long asked = Stopwatch.GetTimestamp();
            var there = await target.ScalarAsync<DateTime>("select clock_timestamp()", cancel);
            ahead = there - (DateTime.UtcNow - (Stopwatch.GetElapsedTime(asked) / 2));
        }
        catch (Exception error) when (error is NpgsqlException or MigrationException)
        {
            _context.Observer.Verbose($"the target could not be asked for its time: {Redaction.Of(error.Message)}");
        }

        _context.Remember(_context.Facts with { TargetClockAhead = ahead });
        Tell(CutoverEvent.Learnt, facts: _context.Facts);
    }

    // On the way back, and behind the point of no return, a journal that cannot be written (a full disk) must not keep the app waiting: what
    // is on disk leads whoever reads it the same way.
    private void Tell(CutoverEvent what, string? step = null, string? text = null, CutoverFacts? facts = null)
    {
        try
        {
            Journal.Write(what, step, text, facts);
        }
        catch (MigrationException error) when (error.ErrorId == "JournalNotWritable")
        {
            _context.Observer.Warning($"{error.Message} It goes on without: {what} {step} is not on record.");
        }
    }

    // Where only one way is left, a server that restarts, a network that blinks or connections that are all taken are no reason to stop:
    // sessions are opened anew. When the time is over, what is told is what stood in the way.
    private static async Task PersistAsync(Func<Task> act, CancellationToken cancel)
    {
        Exception? last = null;
        try
        {
            while (true)
            {
                try
                {
                    await act();
                    return;
                }
                catch (Exception error) when (!cancel.IsCancellationRequested && IsBrokenConnection(error))
                {
                    last = error;
                    await Task.Delay(200, cancel);
                }
            }
        }
        catch (OperationCanceledException late) when (last is not null && cancel.IsCancellationRequested)
        {
            throw new OperationCanceledException(late.Message, last, cancel);
        }
    }

    private static bool IsBrokenConnection(Exception error) => error is MigrationException { Kind: MigrationErrorKind.Connection } or MigrationException { ErrorId: "ConnectionLimitReached" }
        or NpgsqlException { SqlState: null or PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.TooManyConnections
            or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected } or IOException; // the last two: what a standby's replay does to a question that stands in its way

    private async Task GiveUpAsync(ICutoverStep step, Exception error, PauseDeadline pause, CancellationToken cancel)
    {
        string reason = Explain(error, pause.HasPassed ? _context.Options.MaxPause : IsPastPointOfNoReturn ? _context.Options.AheadTimeout : null);
        Tell(CutoverEvent.Failed, step.Name, reason);
        if (error is MigrationException { ErrorId: "WatchFailed" })
        {
            throw new MigrationException("WatchFailed", MigrationErrorKind.InvalidOperation,
                $"{reason} The app was paused again, on {_context.AppTarget}. Let it go on with Resume-Cutover -Journal '{Journal.Path}'{(_context.Facts.WayBack is null ? "; there is no way back that loses nothing." : $", or go back with Undo-Cutover -Journal '{Journal.Path}', which loses nothing.")}", error);
        }

        if (IsPastPointOfNoReturn)
        {
            throw new MigrationException("CutoverIncomplete", MigrationErrorKind.InvalidOperation,
                $"{step.Name} failed after the point of no return: {reason} {Ahead.Server} is the server to use now. Mend the cause, then run {(_plan.IsReturn ? "Undo" : "Resume")}-Cutover -Journal '{Journal.Path}'.", error);
        }

        await TakeBackAsync();
        if (cancel.IsCancellationRequested)
        {
            throw new OperationCanceledException($"The cutover was cancelled at {step.Name} and undone; the app runs on {Behind.Server} as before.", error, cancel);
        }

        string price = _plan.Steps.Any(each => each.Mark == CutoverMark.Promotion && IsBegun(each))
            ? " The target's promotion had been begun, so it is stopped and needs a new restore before the next try."
            : string.Empty;
        throw new MigrationException(step.Name == _plan.Gate ? "CutoverNotBegun" : "CutoverUndone", (error as MigrationException)?.Kind ?? MigrationErrorKind.InvalidOperation,
            step.Name == _plan.Gate
                ? $"The {(_plan.IsReturn ? "way back" : "cutover")} did not begin: {reason} Nothing was changed."
                : $"{step.Name} failed: {reason} Everything was undone; {(Current.Any(entry => entry.Event == CutoverEvent.Begun && entry.Step == _plan.Pause) ? string.Empty : "the app was not paused; ")}the app runs on {Behind.Server} as before.{price}", error);
    }

    private static string Explain(Exception error, TimeSpan? passed) => error switch
    {
        OperationCanceledException { InnerException: { } last } when passed is { } limit => string.Create(CultureInfo.InvariantCulture, $"it was not done within {limit.TotalSeconds:0.#} s; the last try ended so: {Explain(last, null)}"),
        OperationCanceledException when passed is { } limit => string.Create(CultureInfo.InvariantCulture, $"it was not done within {limit.TotalSeconds:0.#} s."),
        OperationCanceledException => "it was cancelled.",
        PostgresException server => Redaction.Of($"{server.SqlState}: {server.MessageText}."),
        _ => Redaction.Of(error.Message),
    };

    private (CutoverOutcome Reached, CutoverEvent Event, PgServer Server) Home(bool target) => target
        ? (CutoverOutcome.CutOver, CutoverEvent.CutOver, _context.Target) : (CutoverOutcome.BackOnSource, CutoverEvent.BackOnSource, _context.Source);

    private CutoverReport Report(CutoverOutcome outcome) =>
        new()
        {
            Id = _context.Facts.Id,
            Outcome = outcome,
            Source = _context.Source,
            Target = _context.AppTarget,
            Paused = PauseTime.Of(Current, _plan.Pause, _plan.Resume),
            MarkLsn = _context.Facts.MarkLsn,
            Steps = _reports,
            Journal = Journal.Path,
            EndedAt = DateTime.UtcNow,
        };
}
