namespace PgMigration;

/// <summary>Compares the rows of both servers while the app still runs: what is wrong is found before anybody waits, and what is proven need not be read in the pause.</summary>
/// <remarks>A cutover that is resumed behind its pause, by another session, knows nothing of it and compares all in the pause, as far as the time allows.</remarks>
public sealed class CompareAhead : ICutoverStep
{
    private const double ShareOfWholeTables = 0.75;

    /// <inheritdoc/>
    public string Name => nameof(CompareAhead);

    /// <inheritdoc/>
    public string Effect => "compare the tables' rows on both servers while the app runs, for -CompareAheadFor at most: whole tables, the others by their newest rows and a sample";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        if (context.Options.CompareAheadFor <= TimeSpan.Zero)
        {
            return "not asked for";
        }

        string[] tables = DmsProof.MovedTables(await DmsReplication.ReportAsync(DmsProof.LinkOf(context), cancel));
        (context.ComparedAhead, string said) = await LiveComparison.RunAsync(context.Source, context.Target, tables, context.Options.CompareAheadFor, token => FlushAsync(context, token), ShareOfWholeTables, context.Observer, cancel);
        return said;
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;

    // A beat for each task: one that arrives has everything before it, and others' later beats do no harm.
    private static async Task FlushAsync(CutoverContext context, CancellationToken cancel)
    {
        var tasks = DmsProof.LinkOf(context).Tasks;
        var source = await context.SourceSessionAsync(cancel);
        foreach (var task in tasks)
        {
            await DmsHeartbeat.BeatAsync(source, task, cancel);
        }

        var written = await DmsHeartbeat.ReadAsync(source, tasks, cancel);
        while (true)
        {
            var there = await DmsHeartbeat.ReadAsync(await context.TargetSessionAsync(cancel), tasks, cancel);
            if (written.Zip(there).All(pair => pair.Second?.Number >= pair.First?.Number))
            {
                return;
            }

            await Task.Delay(20, cancel); // a row that arrives tells nobody
        }
    }
}
