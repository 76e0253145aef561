namespace PgMigration;

/// <summary>The limits of a cutover. A deadline ends in "no", never in "go".</summary>
public sealed record CutoverOptions
{
    /// <summary>The largest lag with which the cutover begins, in bytes of WAL. The segment being written is not in the archive yet, so a bound below two segments may never be met.</summary>
    public long MaxLagBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>
    /// The oldest transaction on the source with which a cutover begins. A visible one that is older is refused at once; one of a role that
    /// this login may not see or end, and one that changes the schema, is given so long to end.
    /// </summary>
    public TimeSpan MaxTransactionAge { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How many bytes must be free on the target's disks; zero not to ask.</summary>
    public long MinFreeDiskBytes { get; init; } = 1L << 30;

    /// <summary>How long the app may be paused before the cutover gives up and lets it go on at the source.</summary>
    public TimeSpan MaxPause { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the pooler may take to finish the app's open transactions.</summary>
    public TimeSpan PauseTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long transactions that this login cannot end may take to finish once the fence is up, and how long one may stay prepared.</summary>
    public TimeSpan FenceTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the promotion may take.</summary>
    public TimeSpan PromoteTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long rows are compared before the app is paused, behind a link that copies rows; zero for not at all.</summary>
    public TimeSpan CompareAheadFor { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long tables that were written to since may be compared whole while the app is paused; the others are compared by samples of their rows.</summary>
    public TimeSpan CompareFor { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Names, with wildcards, of what a target that got only rows has otherwise than the source and is to have so, such as <c>public.total(integer)</c>.</summary>
    public IReadOnlyList<string> AcceptDifferences { get; init; } = [];

    /// <summary>Whether sequences of a target that got only rows are repaired; false to refuse where they would collide.</summary>
    public bool RepairSequences { get; init; } = true;

    /// <summary>The target as the app reaches it; null to take what the link knows.</summary>
    public PgServer? AppTarget { get; init; }

    /// <summary>The source as the app reaches it, for the way back; null when that is how we reach it.</summary>
    public PgServer? AppSource { get; init; }

    /// <summary>Further checks that must pass before the first step, and again just before the app is paused.</summary>
    public IReadOnlyList<MigrationGate> Gates { get; init; } = [];

    /// <summary>Names of blockers of <see cref="Readiness"/> with which to begin all the same, such as <c>UnloggedTable</c>.</summary>
    public IReadOnlyList<string> Accept { get; init; } = [];

    /// <summary>Whether the old server is to follow the new one afterwards, so that going back loses nothing.</summary>
    public bool KeepSourceInSync { get; init; }

    /// <summary>How long to watch the gates below once the app is up; zero for not at all.</summary>
    public TimeSpan WatchFor { get; init; }

    /// <summary>What is watched.</summary>
    public IReadOnlyList<MigrationGate> WatchGates { get; init; } = [];

    /// <summary>The pause between two looks at them.</summary>
    public TimeSpan WatchInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether a gate that closes while it is watched takes the cutover back, if that loses nothing.</summary>
    public bool AutoUndo { get; init; }

    /// <summary>The step behind which to stop; null to go on to the end.</summary>
    public string? Until { get; init; }

    /// <summary>Whether <see cref="Until"/> may leave the app paused.</summary>
    public bool LeaveAppPaused { get; init; }

    /// <summary>Whether somebody has seen that the target does not run, and will not: an undo then need not prove it where it cannot be reached.</summary>
    public bool TargetIsStopped { get; init; }

    /// <summary>Whether somebody has seen that the source does not run, and will not: a resume behind the promotion then need not prove its fence where it cannot be reached.</summary>
    public bool SourceIsStopped { get; init; }

    /// <summary>How long a step behind the point of no return is tried before a human is asked.</summary>
    internal TimeSpan AheadTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the undo of a step is tried before a human is asked.</summary>
    internal TimeSpan UndoTimeout { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>The clock for deadlines; another one in tests.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
