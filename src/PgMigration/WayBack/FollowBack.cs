namespace PgMigration;

/// <summary>Has the old server, still fenced, follow the new one from the slot on.</summary>
public sealed class FollowBack : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(FollowBack);

    /// <inheritdoc/>
    public string Effect => "subscribe the old server, which stays fenced, to the new one";

    /// <inheritdoc/>
    public string UndoEffect => "none by itself: Undo-Cutover goes back along it without losing anything";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        await WayBack.FollowAsync(context, cancel);
        return "the old server follows the new one";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
