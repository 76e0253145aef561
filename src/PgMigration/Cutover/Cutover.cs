namespace PgMigration;

/// <summary>The door of this folder: begins, resumes and undoes the cutover of a link.</summary>
/// <param name="Link">The flow of changes between the two servers.</param>
/// <param name="Source">The server that the app leaves.</param>
/// <param name="App">The application.</param>
/// <param name="Options">The limits and gates.</param>
/// <param name="Observer">Who watches.</param>
public sealed record Cutover(ReplicationLink Link, PgServer Source, MigrationApp App, CutoverOptions Options, IMigrationObserver Observer)
{
    /// <summary>What will be done, in order.</summary>
    /// <exception cref="MigrationException"><c>LinkNotSupported</c>: no plan is known for this kind of link. <c>WayBackNotSupported</c>: nor a way back.</exception>
    public CutoverPlan Plan => Link.Kind == "Wal" ? CutoverPlan.ForWal(Options, App.SmokeTest is not null)
        : Link.Kind == "Dms" ? (!Options.KeepSourceInSync ? CutoverPlan.ForDms(Options, App.SmokeTest is not null)
            : throw new MigrationException("WayBackNotSupported", MigrationErrorKind.NotSupported, "After a cutover by DMS the old server cannot be kept in sync yet: leave -KeepSourceInSync out. Until the app is pointed at the target, an undo loses nothing."))
        : throw new MigrationException("LinkNotSupported", MigrationErrorKind.NotSupported, $"There is no plan yet for a link of kind {Link.Kind}; expected one that Start-WalRestore or Start-PgDmsReplication returned.");

    /// <summary>A file for the journal of a new cutover, in the default folder: its name begins with the time.</summary>
    public static string NewJournalPath(PgServer source) => Path.Combine(CutoverJournal.DefaultFolder,
        $"{DateTime.UtcNow:yyyyMMdd'T'HHmmss'Z'}-{string.Concat(source.Database.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'))}-{Guid.NewGuid().ToString("N")[..6]}.journal");

    /// <summary>Moves the app from the source to the target.</summary>
    /// <param name="journalPath">A file that does not exist yet.</param>
    /// <param name="cancel">Before the point of no return: undoes. After it: has no effect.</param>
    /// <inheritdoc cref="CutoverRunner.RunAsync" path="/exception"/>
    public async Task<CutoverReport> RunAsync(string journalPath, CancellationToken cancel = default)
    {
        using var journal = CutoverJournal.Create(journalPath);
        await using var context = await OpenAsync(journal);
        return await ToldAsync(journal, () => RunAsync(Plan, context, cancel), cancel);
    }

    /// <summary>Goes on with a cutover whose session died, or that stopped where it was told to.</summary>
    /// <param name="journalPath">Its journal.</param>
    /// <param name="cancel">As for a new one.</param>
    public async Task<CutoverReport> ResumeAsync(string journalPath, CancellationToken cancel = default)
    {
        using var journal = CutoverJournal.Open(journalPath);
        await using var context = await OpenAsync(journal);
        return await ToldAsync(journal, () => context.Facts.Returning ? ReturnAsync(context, cancel) : RunAsync(PlanOf(journal), context, cancel), cancel);
    }

    /// <summary>Takes back what was begun; the app then runs on the source as before.</summary>
    /// <remarks>After the point of no return only along the way back that <see cref="CutoverOptions.KeepSourceInSync"/> kept: as a cutover of its own, in the same journal.</remarks>
    /// <param name="journalPath">Its journal.</param>
    /// <param name="cancel">Heeded on the way back only, where it lets the app go on at the target; an undo before the point of no return runs to its end.</param>
    public async Task<CutoverReport> UndoAsync(string journalPath, CancellationToken cancel = default)
    {
        using var journal = CutoverJournal.Open(journalPath);
        await using var context = await OpenAsync(journal);
        return await ToldAsync(journal, () => context.Facts.WayBack is not null && journal.Entries.Any(entry => entry.Event == CutoverEvent.Begun && entry.Step == nameof(OpenTarget))
            ? ReturnAsync(context, cancel)
            : new CutoverRunner(PlanOf(journal), context).UndoAsync(), cancel);
    }

    /// <summary>Ends the way back of a cutover that went through: the old server follows no more, and nothing of ours is left on either. The old server stays fenced.</summary>
    /// <param name="journalPath">Its journal.</param>
    /// <param name="cancel">Ends it; it is safe to run again.</param>
    /// <exception cref="MigrationException"><c>NoWayBack</c>: the journal's cutover keeps none, or has not ended on the target.</exception>
    public async Task EndWayBackAsync(string journalPath, CancellationToken cancel = default)
    {
        using var journal = CutoverJournal.Open(journalPath);
        await using var context = await OpenAsync(journal);
        if (context.Facts.WayBack is not { } record || journal.Entries is not [.., { Event: CutoverEvent.CutOver }])
        {
            throw new MigrationException("NoWayBack", MigrationErrorKind.InvalidOperation,
                $"The cutover of {journalPath} keeps no way back that could be ended: {(context.Facts.WayBack is null ? "it was begun without -KeepSourceInSync, or its way back was ended" : "it has not ended on the target; finish it with Resume-Cutover")}.");
        }

        await WayBack.EndAsync(context, record, cancel);
        context.Learn(context.Facts with { WayBack = null }, CutoverEvent.CutOver, "the way back is ended");
    }

    // A stopping pipeline shows neither report nor error: whoever pressed Ctrl-C, or sent a signal, is told where the app runs now.
    private async Task<CutoverReport> ToldAsync(CutoverJournal journal, Func<Task<CutoverReport>> run, CancellationToken cancel)
    {
        bool ended = false;
        try
        {
            var report = await run();
            ended = true;
            return report;
        }
        finally
        {
            if (cancel.IsCancellationRequested)
            {
                Observer.Warning($"The cutover was interrupted{(ended ? " and ran to its end all the same" : string.Empty)}. {AppLocation.Describe(journal.Entries, journal.Path, Source, Options.AppTarget ?? Link.TargetForApp(Source))} The record is in {journal.Path}.");
            }
        }
    }

    private async Task<CutoverReport> RunAsync(CutoverPlan plan, CutoverContext context, CancellationToken cancel)
    {
        try
        {
            return await new CutoverRunner(plan, context).RunAsync(cancel);
        }
        catch (MigrationException failure) when (failure.ErrorId == "WatchFailed" && Options.AutoUndo && context.Facts.WayBack is not null)
        {
            try
            {
                await CheckWayBack.ProveAsync(context, cancel);
            }
            catch (Exception closed) when (closed is MigrationException or Npgsql.NpgsqlException)
            {
                throw new MigrationException("WatchFailed", MigrationErrorKind.InvalidOperation,
                    $"{failure.InnerException!.Message} The app was paused again, on {context.AppTarget}, and is not taken back as -AutoUndo asks: {Redaction.Of(closed.Message)} Let it go on with Resume-Cutover -Journal '{context.Journal.Path}'.", failure);
            }

            Observer.Warning($"{failure.Message} It is taken back now, as -AutoUndo asks.");
            return await ReturnAsync(context, cancel);
        }
    }

    // A way back that failed and whose own undo died is first brought to its end, at the target.
    private static async Task<CutoverReport> ReturnAsync(CutoverContext context, CancellationToken cancel)
    {
        var runner = new CutoverRunner(CutoverPlan.ForReturn(), context);
        return runner.IsBeingUndone ? await runner.UndoAsync() : await runner.RunAsync(cancel);
    }

    // What a journal planned is what is gone on with, also when this session was not told of the way back.
    private CutoverPlan PlanOf(CutoverJournal journal) => (this with
    {
        Options = Options with { KeepSourceInSync = journal.Entries.Any(entry => entry.Event == CutoverEvent.Planned && entry.Text?.Contains(nameof(PrepareWayBack), StringComparison.Ordinal) == true) },
    }).Plan;

    // A server may have changed its address since (a failover, a laptop that reaches it another way): then who answers there must be of the
    // same cluster, which every new session asks, and the source must not be the target.
    private async Task<CutoverContext> OpenAsync(CutoverJournal journal)
    {
        bool moved = journal.Facts is { } facts && (facts.Source != Source.ToString() || facts.Target != Link.Target.ToString());
        if (moved && (journal.Facts!.SystemIdentifier == 0 || PgServer.Parse(journal.Facts.Source).Database != Source.Database))
        {
            throw new MigrationException("JournalOfOtherServers", MigrationErrorKind.InvalidArgument,
                $"The journal {journal.Path} is of a cutover from {journal.Facts.Source} to {journal.Facts.Target}, not from {Source} to {Link.Target}. Give its own servers, or its own journal.");
        }

        var context = new CutoverContext(Link, Source, Options.AppTarget ?? Link.TargetForApp(Source), App, Options, journal, Observer);
        if (moved)
        {
            try
            {
                await RefuseSameServerAsync(context);
                context.Learn(context.Facts with { Source = Source.ToString(), Target = Link.Target.ToString() });
            }
            catch
            {
                await context.DisposeAsync();
                throw;
            }
        }

        return context;
    }

    private static async Task RefuseSameServerAsync(CutoverContext context)
    {
        const string Instance = "select pg_postmaster_start_time()::text || ' ' || current_setting('port')";
        try
        {
            var target = await context.TargetSessionAsync(CancellationToken.None);
            await using var source = await context.Source.ConnectAsync();
            if (await target.ScalarAsync<string>(Instance, CancellationToken.None) == await source.ScalarAsync<string>(Instance, CancellationToken.None))
            {
                throw new MigrationException("SourceIsTarget", MigrationErrorKind.InvalidArgument, $"{context.Source} and {context.Target} are the same server. Give the server that the app leaves with -Source.");
            }
        }
        catch (Exception error) when (error is Npgsql.NpgsqlException or MigrationException { Kind: MigrationErrorKind.Connection })
        {
            string why = $"Whether {context.Source} and {context.Target} are the same server could not be asked: {Redaction.Of(error.Message).TrimEnd('.')}.";
            if (context.Facts.Source == context.Source.ToString())
            {
                context.Observer.Warning($"{why} The source is at the address that the journal knows."); // an undo may do without the target
                return;
            }

            if (!context.Options.TargetIsStopped && !context.Options.SourceIsStopped)
            {
                throw new MigrationException("ServersNotCompared", MigrationErrorKind.Connection,
                    $"{why} The journal {context.Journal.Path} knows them by other addresses. Nothing was done. Let both answer; or, where one does not run and will not, say so: Undo-Cutover … -TargetIsStopped, Resume-Cutover … -SourceIsStopped.", error);
            }

            context.Observer.Warning($"{why} One of them is taken for stopped, as -TargetIsStopped or -SourceIsStopped says.");
        }
    }
}
