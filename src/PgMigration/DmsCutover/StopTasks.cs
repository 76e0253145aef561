namespace PgMigration;

/// <summary>Asks the tasks to stop. On AWS that takes most of a minute, so what follows is looked at meanwhile; that they have stopped is proven before the app is let in.</summary>
public sealed class StopTasks : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(StopTasks);

    /// <inheritdoc/>
    public string Effect => "ask the tasks to stop";

    /// <inheritdoc/>
    public string UndoEffect => "nothing yet: they go on when the app does";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var link = DmsProof.LinkOf(context);
        using var dms = link.Connect();
        await DmsReplication.RequestStopAsync(dms, link, cancel);
        return $"{string.Join(", ", link.TaskNames)} asked";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}
