namespace PgMigration.Tests;

/// <summary>A step of a plan with something of a test's own before or after it.</summary>
internal sealed class WrappedStep(ICutoverStep inner, Func<CutoverContext, Task>? before = null, Func<CutoverContext, Task>? after = null) : ICutoverStep
{
    public string Name => inner.Name;

    public string Effect => inner.Effect;

    public string UndoEffect => inner.UndoEffect;

    public CutoverMark Mark => inner.Mark;

    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        await (before?.Invoke(context) ?? Task.CompletedTask);
        string proof = await inner.DoAsync(context, cancel);
        await (after?.Invoke(context) ?? Task.CompletedTask);
        return proof;
    }

    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => inner.IsDoneAsync(context, cancel);

    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => inner.UndoAsync(context, cancel);

    /// <summary>The plan with one step wrapped.</summary>
    public static CutoverPlan Plan(string name, Func<CutoverContext, Task>? before = null, Func<CutoverContext, Task>? after = null) =>
        new([.. CutoverPlan.ForWal().Steps.Select(step => step.Name == name ? new WrappedStep(step, before, after) : step)]);
}
