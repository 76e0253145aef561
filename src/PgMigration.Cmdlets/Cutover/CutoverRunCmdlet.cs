using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>What Invoke- and Resume-Cutover have in common: the gates, and where to stop.</summary>
public abstract class CutoverRunCmdlet : CutoverCmdlet
{
    /// <summary>The largest lag with which the cutover begins: bytes of WAL, such as 64MB (the default). Less than two segments may never be met.</summary>
    [Parameter]
    [ByteSizeTransformation]
    public long MaxLag { get; set; } = 64L * 1024 * 1024;

    /// <summary>The oldest transaction on the source with which the cutover begins, and how long one of another role, or one that changes the schema, may take to end. Bare numbers are seconds; 10 by default.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan MaxTransactionAge { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How much must be free on the target's disks: a size, 1GB by default; 0 not to ask.</summary>
    [Parameter]
    [ByteSizeTransformation]
    public long MinFreeDisk { get; set; } = 1L << 30;

    /// <summary>Checks of your own that must pass before the first step, and again just before the app is paused: from New-MigrationGate, or script blocks that write $true.</summary>
    [Parameter]
    [GateTransformation]
    public MigrationGate[] Gate { get; set; } = [];

    /// <summary>
    /// Names of blockers of Test-MigrationReadiness that you know and accept, such as UnloggedTable for tables that may arrive empty. By a link that follows
    /// an archive or streams; by DMS give -Gate (New-MigrationGate -Readiness Dms …). By any link what could not be proven of the app's path: PoolerLoginNotProven, PoolerUserNotProven, PoolerAuthDatabase.
    /// </summary>
    [Parameter]
    public string[] Accept { get; set; } = [];

    /// <summary>
    /// By a link of DMS: how long rows are compared before the app is paused, such as 02:00:00 for a large database. Tables that are the same then, and
    /// that nobody writes to after, need not be read in the pause. Bare numbers are seconds; 60 by default, 0 for not at all.
    /// </summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan CompareAheadFor { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>By a link of DMS: how long tables that were written to may be compared whole while the app is paused; the others by samples and their newest rows. Bare numbers are seconds; 1 by default.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan CompareFor { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// By a link of DMS: what the target has otherwise than the source, or lacks, and is to have so: names as the refusal writes them, with wildcards,
    /// such as 'public.total(integer)' or '* of public.orders'. It is warned of instead.
    /// </summary>
    [Parameter]
    [SupportsWildcards]
    public string[] AcceptDifference { get; set; } = [];

    /// <summary>
    /// Let the old server, fenced, follow the new one by logical replication from the first write on, so that Undo-Cutover goes back without
    /// losing anything. Needs a superuser login on the source; the plan says so before it starts.
    /// </summary>
    [Parameter]
    public SwitchParameter KeepSourceInSync { get; set; }

    /// <summary>How long to watch -WatchGate once the app is up. Bare numbers are seconds.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan WatchFor { get; set; }

    /// <summary>Checks such as an error rate: one that says no while it is watched pauses the app again.</summary>
    [Parameter]
    [GateTransformation]
    public MigrationGate[] WatchGate { get; set; } = [];

    /// <summary>Take the cutover back by itself when a watched gate says no, if that loses nothing (-KeepSourceInSync).</summary>
    [Parameter]
    public SwitchParameter AutoUndo { get; set; }

    /// <summary>Stop behind this step of the plan, such as FillSegment: the journal says so, Resume-Cutover goes on and Undo-Cutover goes back.</summary>
    [Parameter]
    public string? Until { get; set; }

    /// <summary>Allow -Until to stop where the app stays paused, until somebody runs Resume-Cutover or Undo-Cutover.</summary>
    [Parameter]
    public SwitchParameter LeaveAppPaused { get; set; }

    /// <summary>The options that the parameters describe.</summary>
    /// <exception cref="MigrationException"><c>WatchIncomplete</c>, <c>AutoUndoNeedsWayBack</c>: parameters that say nothing without each other.</exception>
    protected CutoverOptions RunOptions()
    {
        if (WatchFor > TimeSpan.Zero != WatchGate.Length > 0)
        {
            throw new MigrationException("WatchIncomplete", MigrationErrorKind.InvalidArgument, "-WatchFor and -WatchGate belong together: how long to watch, and what.");
        }

        if (AutoUndo && (!KeepSourceInSync || WatchGate.Length == 0))
        {
            throw new MigrationException("AutoUndoNeedsWayBack", MigrationErrorKind.InvalidArgument,
                "-AutoUndo takes back what a watched gate condemns, if that loses nothing: it needs -WatchFor, -WatchGate and -KeepSourceInSync.");
        }

        return Options();
    }

    private CutoverOptions Options() => new()
    {
        MaxLagBytes = MaxLag, MaxTransactionAge = MaxTransactionAge, MinFreeDiskBytes = MinFreeDisk, Gates = Gate, Accept = Accept, Until = Until, LeaveAppPaused = LeaveAppPaused,
        CompareAheadFor = CompareAheadFor, CompareFor = CompareFor, AcceptDifferences = AcceptDifference, KeepSourceInSync = KeepSourceInSync, WatchFor = WatchFor, WatchGates = WatchGate, AutoUndo = AutoUndo,
    };
}
