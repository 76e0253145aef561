namespace PgMigration;

/// <summary>What a cutover does, in order. What -WhatIf prints is what runs: the same list.</summary>
/// <param name="Steps">The steps, first to last.</param>
public sealed record CutoverPlan(IReadOnlyList<ICutoverStep> Steps)
{
    /// <summary>The plan for a server that was restored from an archive and follows it.</summary>
    /// <param name="smokeTest">Whether the app has a test of its own.</param>
    public static CutoverPlan ForWal(bool smokeTest = false) => new(
    [
        new CheckGates(),          // nothing is touched before every gate has passed
        new PrepareSource(),       // the table that will carry the nonce, made before anything waits
        new FillSegment(),         // so that little is left to fill after the fence
        new PauseApp(),
        new FenceSource(),
        new MarkSource(),          // nonce and position: what must be on the target, every acknowledged commit before it
        new CompleteLastSegment(), // so that the archive holds the mark now, not at archive_timeout
        new DrainLink(),
        new PromoteTarget(),
        new ProveTarget(),
        .. smokeTest ? (ICutoverStep[])[new SmokeTestTarget()] : [],
        new OpenTarget(),          // lifts the fence that came with the WAL
        new RepointApp(),
        new ResumeApp(),
        new TidyUp(),
    ]);

    /// <summary>The plan in words, one row a step: what -WhatIf writes.</summary>
    public IReadOnlyList<CutoverPlanRow> Describe() =>
        [.. Steps.Select((step, index) => new CutoverPlanRow(index + 1, step.Name, step.Effect, step.UndoEffect, step.Mark))];
}
