namespace PgMigration;

/// <summary>Compares the rows of both servers, which stand still: what was not proven before, as much as fits the time, and of the rest the newest and some others.</summary>
/// <remarks>That a nonce has arrived proves order. Whether DMS changed or left out something on the way, only the rows tell.</remarks>
public sealed class CompareData : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(CompareData);

    /// <inheritdoc/>
    public string Effect => "compare the rows of tables that were written to since: whole ones as far as -CompareFor allows, the others by their newest rows and a sample";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        string[] tables = DmsProof.MovedTables(await DmsReplication.ReportAsync(DmsProof.LinkOf(context), cancel));
        return await TableComparison.RunAsync(context.Source, context.Target, tables, context.Options.CompareFor, context.ComparedAhead, context.Observer, cancel);
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
