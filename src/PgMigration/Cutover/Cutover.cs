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
    /// <exception cref="MigrationException"><c>LinkNotSupported</c>: no plan is known for this kind of link.</exception>
    public CutoverPlan Plan => Link.Kind == "Wal" ? CutoverPlan.ForWal(smokeTest: App.SmokeTest is not null)
        : throw new MigrationException("LinkNotSupported", MigrationErrorKind.NotSupported, $"There is no plan yet for a link of kind {Link.Kind}; expected one that Start-WalRestore returned.");

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
        await using var context = Open(journal);
        return await new CutoverRunner(Plan, context).RunAsync(cancel);
    }

    /// <summary>Goes on with a cutover whose session died.</summary>
    /// <param name="journalPath">Its journal.</param>
    /// <param name="cancel">As for a new one.</param>
    public async Task<CutoverReport> ResumeAsync(string journalPath, CancellationToken cancel = default)
    {
        using var journal = CutoverJournal.Open(journalPath);
        await using var context = Open(journal);
        return await new CutoverRunner(Plan, context).RunAsync(cancel);
    }

    /// <summary>Takes back what was begun; the app then runs on the source as before.</summary>
    /// <param name="journalPath">Its journal.</param>
    public async Task<CutoverReport> UndoAsync(string journalPath)
    {
        using var journal = CutoverJournal.Open(journalPath);
        await using var context = Open(journal);
        return await new CutoverRunner(Plan, context).UndoAsync();
    }

    private CutoverContext Open(CutoverJournal journal)
    {
        if (journal.Facts is { } facts && (facts.Source != Source.ToString() || facts.Target != Link.Target.ToString()))
        {
            throw new MigrationException("JournalOfOtherServers", MigrationErrorKind.InvalidArgument,
                $"The journal {journal.Path} is of a cutover from {facts.Source} to {facts.Target}, not from {Source} to {Link.Target}. Give its own servers, or its own journal.");
        }

        return new CutoverContext(Link, Source, Options.AppTarget ?? Link.TargetForApp(Source), App, Options, journal, Observer);
    }
}
