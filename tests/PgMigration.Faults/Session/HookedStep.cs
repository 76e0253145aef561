namespace PgMigration.Faults;

/// <summary>A step that says where it is, so that the harness can strike there.</summary>
internal sealed class HookedStep(ICutoverStep inner, Func<string, Task> reachAsync) : ICutoverStep
{
    public string Name => inner.Name;

    public string Effect => inner.Effect;

    public string UndoEffect => inner.UndoEffect;

    public CutoverMark Mark => inner.Mark;

    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        await reachAsync($"{Name} before");
        string proof = await inner.DoAsync(context, cancel);
        await reachAsync($"{Name} after");
        return proof;
    }

    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => inner.IsDoneAsync(context, cancel);

    public async Task UndoAsync(CutoverContext context, CancellationToken cancel)
    {
        await reachAsync($"undo {Name} before");
        await inner.UndoAsync(context, cancel);
        await reachAsync($"undo {Name} after");
    }
}
