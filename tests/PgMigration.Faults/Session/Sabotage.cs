namespace PgMigration.Faults;

/// <summary>Plans that are wrong on purpose: what the harness must see, or its silence proves nothing.</summary>
internal static class Sabotage
{
    /// <summary>The plan with a part left out; the plan itself when nothing is named.</summary>
    public static CutoverPlan Of(CutoverPlan plan, string? what) => what switch
    {
        null => plan,
        "no-fence" => With(plan, nameof(FenceSource), async (step, context, cancel) =>
        {
            context.Learn(context.Facts with { Fence = await SourceFence.ReadAsync(await context.SourceSessionAsync(cancel), cancel) });
            return "sabotaged";
        }),
        "no-drain" => With(With(With(plan, nameof(CompleteLastSegment), Nothing), nameof(DrainLink), Nothing), nameof(ProveTarget), Nothing),
        "old-ids" => With(plan, nameof(OpenTarget), async (step, context, cancel) =>
        {
            string proof = await step.DoAsync(context, cancel);
            await (await context.TargetSessionAsync(cancel)).ExecuteAsync("select setval('app_order_id_seq', 1)", cancel);
            return proof;
        }),
        "two-open" => With(plan, nameof(TidyUp), async (step, context, cancel) =>
        {
            await SourceFence.LiftAsync(await context.SourceSessionAsync(cancel), context.Facts.Fence!, cancel);
            return await step.DoAsync(context, cancel);
        }),
        "undo-keeps-fence" => new CutoverPlan([.. plan.Steps.Select(step => step is FenceSource ? new Altered(step, null, undoes: false) : step)]),
        _ => throw new ArgumentException($"There is no sabotage '{what}'."),
    };

    private static Task<string> Nothing(ICutoverStep step, CutoverContext context, CancellationToken cancel) => Task.FromResult("sabotaged");

    private static CutoverPlan With(CutoverPlan plan, string name, Func<ICutoverStep, CutoverContext, CancellationToken, Task<string>> doing) =>
        new([.. plan.Steps.Select(step => step.Name == name ? new Altered(step, doing, undoes: true) : step)]);

    private sealed class Altered(ICutoverStep inner, Func<ICutoverStep, CutoverContext, CancellationToken, Task<string>>? doing, bool undoes) : ICutoverStep
    {
        public string Name => inner.Name;

        public string Effect => inner.Effect;

        public string UndoEffect => inner.UndoEffect;

        public CutoverMark Mark => inner.Mark;

        public Task<string> DoAsync(CutoverContext context, CancellationToken cancel) => doing is null ? inner.DoAsync(context, cancel) : doing(inner, context, cancel);

        public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => inner.IsDoneAsync(context, cancel);

        public Task UndoAsync(CutoverContext context, CancellationToken cancel) => undoes ? inner.UndoAsync(context, cancel) : Task.CompletedTask;
    }
}
