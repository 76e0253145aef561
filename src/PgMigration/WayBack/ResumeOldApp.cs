namespace PgMigration;

/// <summary>Lets the app go on, at the old server.</summary>
public sealed class ResumeOldApp : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(ResumeOldApp);

    /// <inheritdoc/>
    public string Effect => "let the app go on";

    /// <inheritdoc/>
    public string UndoEffect => "none: after the point of no return";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        await context.App.ResumeAsync(cancel);
        context.TellRemarks();
        return $"{context.App.Kind} goes on";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
