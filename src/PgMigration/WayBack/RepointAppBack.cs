namespace PgMigration;

/// <summary>Points the app, still paused, at the old server.</summary>
public sealed class RepointAppBack : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(RepointAppBack);

    /// <inheritdoc/>
    public string Effect => "point the app at the old server";

    /// <inheritdoc/>
    public string UndoEffect => "none: after the point of no return";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var source = context.Options.AppSource ?? context.Source;
        await context.App.PointBackAsync(source, cancel);
        context.TellRemarks();
        return $"{context.App.Kind} points at {source.Host}:{source.Port}";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
