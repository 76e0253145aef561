namespace PgMigration.Dms.Tests;

/// <summary>A step of a plan with something of a test's own before it.</summary>
internal sealed class WrappedStep(ICutoverStep inner, Func<CutoverContext, Task> before) : ICutoverStep
{
    public string Name => inner.Name;

    public string Effect => inner.Effect;

    public string UndoEffect => inner.UndoEffect;

    public CutoverMark Mark => inner.Mark;

    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        await before(context);
        return await inner.DoAsync(context, cancel);
    }

    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => inner.IsDoneAsync(context, cancel);

    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => inner.UndoAsync(context, cancel);
}
