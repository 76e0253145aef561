using Npgsql;

namespace PgMigration;

/// <content>What the journal says of the plan: what is begun, what is over, and where to go on.</content>
public sealed partial class CutoverRunner
{
    /// <summary>Whether an undo was begun and has not ended.</summary>
    public bool IsBeingUndone => Current.Any(entry => entry.Event == CutoverEvent.UndoBegun);

    /// <summary>Whether the first step that opens the target has been begun: the journal decides, not the servers.</summary>
    private bool IsPastPointOfNoReturn => _plan.Steps.Any(step => step.Mark == CutoverMark.PointOfNoReturn && IsBegun(step));

    // A cutover that goes back along its way back writes a second plan into the same journal: only what stands behind it is about it.
    private IEnumerable<CutoverEntry> Current => _plan.IsReturn && !_context.Facts.Returning ? [] : Journal.Entries.Skip(Math.Max(0, Journal.Entries.ToList().FindLastIndex(entry => entry.Event == CutoverEvent.Planned)));

    // Where a resumed cutover goes on. Gates are for beginning: once the app is paused it goes on from the pause, and asks and proves
    // everything anew. Once the promotion was begun the source has no more to say: a new nonce would never reach the target.
    private int FirstStepToTake()
    {
        int At(Func<ICutoverStep, bool> which) => _plan.Steps.TakeWhile(step => !which(step)).Count();
        int marked = At(step => step.Mark != CutoverMark.None);
        int pause = At(step => step.Name == _plan.Pause);
        return _plan.Steps.Skip(marked).Any(IsBegun) ? marked : _plan.Steps.Skip(pause).Any(IsBegun) ? pause : 0;
    }

    private bool IsBegun(ICutoverStep step) => Current.Any(entry => entry.Event == CutoverEvent.Begun && entry.Step == step.Name);

    private bool IsUndone(ICutoverStep step) => Current.Any(entry => entry.Event == CutoverEvent.Undone && entry.Step == step.Name);

    private void RefuseEnded()
    {
        if (Journal.Entries is [.., { Event: CutoverEvent.CutOver or CutoverEvent.BackOnSource } last] && !(_plan.IsReturn && last.Event == CutoverEvent.CutOver))
        {
            throw new MigrationException("CutoverEnded", MigrationErrorKind.InvalidOperation,
                $"The cutover of {Journal.Path} has ended ({last.Event}, {last.At:u}). Begin a new one with Invoke-Cutover.");
        }

    }

    // Behind the begin of the promotion a resume marks nothing anew, so that what the source was told then must still be so. Once the target
    // was opened it may have commits of its own: then only one way is left.
    private async Task RefuseOpenedSourceAsync(CancellationToken cancel)
    {
        if (!_plan.IsReturn && _plan.Promotes && !IsPastPointOfNoReturn && _plan.Steps.Any(step => step.Mark == CutoverMark.Promotion && IsBegun(step)))
        {
            await SinceTheMark.ProveFencedAsync(_context, cancel);
        }
    }

    // A journal that slept while another cutover went through must not act on servers that have moved on: its undo would open a source
    // whose app lives elsewhere, its resume would pause an app that is none of its business.
    private async Task RefuseStaleAsync(bool undoing, CancellationToken cancel)
    {
        if (_plan.IsReturn || !IsBegun(_plan.Steps[1]) || _plan.Steps.Any(step => step.Mark != CutoverMark.None && IsBegun(step)))
        {
            return; // nothing done yet; or promoted by us, which the nonce on the target decides
        }

        // Whoever cannot be asked has not said yes: waited for, and then refused. An undo may do without the target, which is no server yet.
        await AskAsync($"The source {_context.Source} cannot be asked whether another cutover has claimed it", RefuseClaimedAsync, cancel);
        if (!_plan.Promotes)
        {
            return; // the target is no standby, and was none before
        }

        if (!undoing)
        {
            await AskAsync($"The target {_context.Target} cannot be asked whether it still follows", RefusePromotedAsync, cancel);
            return;
        }

        try
        {
            await RefusePromotedAsync(cancel);
        }
        catch (Exception error) when (error is NpgsqlException || IsBrokenConnection(error))
        {
            _context.Observer.Warning($"The target {_context.Target} cannot be asked whether it still follows ({Redaction.Of(error.Message).TrimEnd('.')}). This cutover did not promote it; make sure that nothing else did.");
        }
    }

    private async Task AskAsync(string failure, Func<CancellationToken, Task> ask, CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(_context.Options.UndoTimeout);
        try
        {
            await PersistAsync(() => ask(deadline.Token), deadline.Token);
        }
        catch (OperationCanceledException error) when (!cancel.IsCancellationRequested)
        {
            throw new MigrationException("ServerStateUnknown", MigrationErrorKind.Connection,
                $"{failure}: {Explain(error, _context.Options.UndoTimeout)} Nothing was done: the app may still be paused and the source fenced. Let the server answer again, then run Resume-Cutover or Undo-Cutover -Journal '{Journal.Path}'.", error);
        }
    }

    private async Task RefuseClaimedAsync(CancellationToken cancel)
    {
        // The row of a cutover that went through stays on the old server: it tells also when the target cannot be asked.
        var source = await _context.SourceSessionAsync(cancel);
        if (await MarkTable.FindOtherAsync(source, _context.Facts.Id, cancel) is { } other)
        {
            throw new MigrationException("JournalStale", MigrationErrorKind.InvalidOperation,
                $"The source {_context.Source} was claimed by another cutover ({other}) after that of {Journal.Path}. Nothing was done. See Get-Cutover for the newer one.");
        }

        // An older copy of a journal does not know what came after it, and the target may be out of its reach.
        if (_plan.Promotes && await MarkTable.FindPromotionAsync(source, _context.Facts.Id, cancel) is { } promoted)
        {
            throw new MigrationException("JournalStale", MigrationErrorKind.InvalidOperation,
                $"On the source {_context.Source} it is noted that the target was asked to promote itself at {promoted}, and {Journal.Path} does not know of it: it is an older copy of its cutover's journal. Nothing was done. Give the newest one (Get-Cutover). Only if that is lost: stop the target, see to the source's rights and settings by hand, then DROP TABLE {MarkTable.Schema}.mark.");
        }
    }

    private async Task RefusePromotedAsync(CancellationToken cancel)
    {
        var target = await _context.TargetSessionAsync(cancel);
        if (!await target.ScalarAsync<bool>("select pg_is_in_recovery()", cancel))
        {
            throw new MigrationException("JournalStale", MigrationErrorKind.InvalidOperation,
                $"The target {_context.Target} has been promoted, and not by the cutover of {Journal.Path}: something else went on since. Nothing was done. See Get-Cutover for the newer one.");
        }
    }
}
