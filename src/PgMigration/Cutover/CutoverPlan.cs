namespace PgMigration;

/// <summary>What a cutover does, in order. What -WhatIf prints is what runs: the same list.</summary>
/// <param name="Steps">The steps, first to last.</param>
public sealed record CutoverPlan(IReadOnlyList<ICutoverStep> Steps)
{
    /// <summary>The plan for a server that was restored from an archive and follows it.</summary>
    /// <param name="options">What is wanted beside the move itself; null for nothing.</param>
    /// <param name="smokeTest">Whether the app has a test of its own.</param>
    public static CutoverPlan ForWal(CutoverOptions? options = null, bool smokeTest = false)
    {
        bool wayBack = options?.KeepSourceInSync == true;
        ICutoverStep[] Only(bool wanted, ICutoverStep step) => wanted ? [step] : [];
        return new CutoverPlan(
        [
            new CheckGates(),          // nothing is touched before every gate has passed
            new PrepareSource(),       // the table that will carry the nonce, made before anything waits
            .. Only(wayBack, new PrepareWayBack()),
            new FillSegment(),         // so that little is left to fill after the fence
            new ConfirmGates(),        // what held at the begin may not hold any more
            new PauseApp(),
            new FenceSource(),
            new MarkSource(),          // nonce and position: what must be on the target, every acknowledged commit before it
            new CompleteLastSegment(), // so that the archive holds the mark now, not at archive_timeout
            new DrainLink(),
            new PromoteTarget(),
            new ProveTarget(),
            .. Only(smokeTest, new SmokeTestTarget()),
            .. Only(wayBack, new KeepWayBack()),
            new OpenTarget(),          // lifts the fence that came with the WAL
            new RepointApp(),
            new ResumeApp(),
            .. Only(wayBack, new FollowBack()),
            .. Only(options?.WatchFor > TimeSpan.Zero, new WatchApp()),
            new TidyUp(),
        ]);
    }

    /// <summary>The plan for tables that DMS copies to a server of another cluster.</summary>
    /// <remarks>
    /// The target is an open server all along; the app comes to it when it is pointed there. What must be true before: facts of DMS, each asked, and
    /// what DMS leaves out, made.
    /// </remarks>
    /// <param name="options">What is wanted beside the move itself; null for nothing.</param>
    /// <param name="smokeTest">Whether the app has a test of its own.</param>
    public static CutoverPlan ForDms(CutoverOptions? options = null, bool smokeTest = false)
    {
        ICutoverStep[] Only(bool wanted, ICutoverStep step) => wanted ? [step] : [];
        return new CutoverPlan(
        [
            new CheckReplication(),
            new PrepareReplication(),  // claims the source; its undo lets stopped tasks go on, once the app runs again
            new CompareAhead(),        // finds what is wrong before anybody waits, and leaves less for the pause
            new ConfirmReplication(),
            new PauseApp(),
            new FenceSource(),         // spares DMS
            new MarkTasks(),           // a nonce for each task, behind every acknowledged commit
            new DrainTasks(),          // and on the target: so are the commits before it, unless DMS skipped some
            new StopTasks(),           // asked for; they end while the rest is looked at
            new CompareData(),         // whether it did
            new RepairSequences(),     // DMS carries none
            new FinishSchema(),        // what would have refused its rows
            new ProveTables(),
            .. Only(smokeTest, new SmokeTestTarget()),
            new RepointApp(CutoverMark.PointOfNoReturn),
            new ResumeApp(),
            .. Only(options?.WatchFor > TimeSpan.Zero, new WatchApp()),
            new TidyUpTasks(),
        ]);
    }

    /// <summary>The plan for going back along the way back: the same moves the other way, with what the old server lacks drained first.</summary>
    public static CutoverPlan ForReturn() => new(
    [
        new CheckWayBack(),
        new PauseNewApp(),
        new FenceTarget(),
        new DrainBack(),
        new RepairOldSequences(),      // logical replication carries none
        new OpenSource(),
        new RepointAppBack(),
        new ResumeOldApp(),
        new EndWayBack(),
    ])
    { IsReturn = true };

    /// <summary>Whether it goes back from the target to the source.</summary>
    public bool IsReturn { get; private init; }

    /// <summary>The step that changes nothing and decides whether to begin.</summary>
    internal string Gate => Steps[0].Name;

    /// <summary>The last step behind which a source that was away is asked everything again.</summary>
    internal string Drain => Steps.Any(step => step.Name == nameof(DrainTasks)) ? nameof(DrainTasks) : nameof(DrainLink);

    /// <summary>Whether the target is a copy that follows until it is promoted.</summary>
    internal bool Promotes => Steps.Any(step => step.Mark == CutoverMark.Promotion);

    /// <summary>The step from which on the app waits.</summary>
    internal string Pause => IsReturn ? nameof(PauseNewApp) : nameof(PauseApp);

    /// <summary>The step from which on it goes on.</summary>
    internal string Resume => IsReturn ? nameof(ResumeOldApp) : nameof(ResumeApp);

    /// <summary>The plan in words, one row a step: what -WhatIf writes.</summary>
    /// <param name="until">The step behind which it stops; null for all of it.</param>
    public IReadOnlyList<CutoverPlanRow> Describe(string? until = null) =>
        [.. Steps.Take(until is null ? Steps.Count : PlaceOf(until) + 1).Select((step, index) => new CutoverPlanRow(index + 1, step.Name, step.Effect, step.UndoEffect, step.Mark))];

    /// <summary>The place of a step in the plan, from 0.</summary>
    /// <exception cref="MigrationException"><c>StepUnknown</c>, with the names there are.</exception>
    public int PlaceOf(string name)
    {
        int place = Steps.TakeWhile(step => !step.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Count();
        return place < Steps.Count ? place : throw new MigrationException("StepUnknown", MigrationErrorKind.InvalidArgument,
            $"The plan has no step '{name}'. Its steps are {string.Join(", ", Steps.Select(step => step.Name))}.");
    }

    /// <summary>Makes sure that a cutover may stop behind a step.</summary>
    /// <exception cref="MigrationException"><c>StepUnknown</c>; <c>UntilLeavesAppPaused</c>: the app would wait until somebody resumes or undoes.</exception>
    public void CheckUntil(string name, bool leaveAppPaused)
    {
        int place = PlaceOf(name);
        if (!leaveAppPaused && place >= PlaceOf(nameof(PauseApp)) && place < PlaceOf(nameof(ResumeApp)))
        {
            throw new MigrationException("UntilLeavesAppPaused", MigrationErrorKind.InvalidArgument,
                $"To stop behind {Steps[place].Name} would leave the app paused, for as long as nobody runs Resume-Cutover or Undo-Cutover. Say so with -LeaveAppPaused, or stop behind {Steps[PlaceOf(nameof(PauseApp)) - 1].Name} at the latest.");
        }
    }
}
