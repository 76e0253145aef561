namespace PgMigration.Tests;

/// <summary>A step in which something happens before it does its work.</summary>
internal sealed class DisturbedStep(ICutoverStep inner, Action disturb) : ICutoverStep
{
    public string Name => inner.Name;

    public string Effect => inner.Effect;

    public string UndoEffect => inner.UndoEffect;

    public CutoverMark Mark => inner.Mark;

    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        disturb();
        return await inner.DoAsync(context, cancel);
    }

    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => inner.IsDoneAsync(context, cancel);

    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => inner.UndoAsync(context, cancel);
}
