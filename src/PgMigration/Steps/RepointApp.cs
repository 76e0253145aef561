namespace PgMigration;

/// <summary>Points the app, still paused, at the target.</summary>
/// <param name="mark">Whether the app comes to the target by this step: where no step before opens it.</param>
public sealed class RepointApp(CutoverMark mark = CutoverMark.None) : ICutoverStep
{
    /// <inheritdoc/>
    public CutoverMark Mark => mark;

    /// <inheritdoc/>
    public string Name => nameof(RepointApp);

    /// <inheritdoc/>
    public string Effect => "point the app at the target";

    /// <inheritdoc/>
    public string UndoEffect => "none: after the point of no return";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        await context.App.RepointAsync(context.AppTarget, cancel);
        context.TellRemarks();
        return $"{context.App.Kind} points at {context.AppTarget.Host}:{context.AppTarget.Port}";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
