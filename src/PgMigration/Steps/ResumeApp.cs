namespace PgMigration;

/// <summary>Lets the app go on, at the target. Done when a query over the app's own path was answered there: the pause that is reported ends then.</summary>
public sealed class ResumeApp : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(ResumeApp);

    /// <inheritdoc/>
    public string Effect => "let the app go on, and have a query over its own path answered by the target";

    /// <inheritdoc/>
    public string UndoEffect => "none: after the point of no return";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        await context.App.ResumeAsync(cancel);
        context.TellRemarks();
        string proof = await AppProof.FindAsync(context, await context.TargetSessionAsync(cancel), [context.AppTarget, context.Source], cancel);
        return $"{context.App.Kind} resumed, {proof}";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
