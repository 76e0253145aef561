namespace PgMigration;

/// <summary>Lets the app go on, at the old server.</summary>
public sealed class ResumeOldApp : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(ResumeOldApp);

    /// <inheritdoc/>
    public string Effect => "let the app go on, and have a query over its own path answered by the old server";

    /// <inheritdoc/>
    public string UndoEffect => "none: after the point of no return";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        await context.App.ResumeAsync(cancel);
        context.TellRemarks();
        string proof = await AppProof.FindAsync(context, await context.SourceSessionAsync(cancel), [context.Options.AppSource ?? context.Source, context.AppTarget], cancel);
        return $"{context.App.Kind} resumed, {proof}";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
