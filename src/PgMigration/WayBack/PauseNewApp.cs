namespace PgMigration;

/// <summary>Makes the app wait once more.</summary>
public sealed class PauseNewApp : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(PauseNewApp);

    /// <inheritdoc/>
    public string Effect => "pause the app, which is on the new server";

    /// <inheritdoc/>
    public string UndoEffect => "let the app go on, at the new server";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        return await new PauseApp().DoAsync(context, cancel);
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public async Task UndoAsync(CutoverContext context, CancellationToken cancel)
    {
        await context.App.ResumeAsync(cancel);
        context.TellRemarks();
        await AppProof.FindAsync(context, await context.TargetSessionAsync(cancel), [context.AppTarget, context.Source], cancel);
    }
}
