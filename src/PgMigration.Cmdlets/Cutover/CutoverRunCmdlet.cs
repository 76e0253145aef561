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

    /// <summary>Checks of your own that must pass before the first step, and again just before the app is paused.</summary>
    [Parameter]
    public MigrationGate[] Gate { get; set; } = [];

    /// <summary>Stop behind this step of the plan, such as FillSegment: the journal says so, Resume-Cutover goes on and Undo-Cutover goes back.</summary>
    [Parameter]
    public string? Until { get; set; }

    /// <summary>Allow -Until to stop where the app stays paused, until somebody runs Resume-Cutover or Undo-Cutover.</summary>
    [Parameter]
    public SwitchParameter LeaveAppPaused { get; set; }

    /// <summary>The options that the parameters describe.</summary>
    protected CutoverOptions RunOptions() => new()
    {
        MaxLagBytes = MaxLag, MaxTransactionAge = MaxTransactionAge, MinFreeDiskBytes = MinFreeDisk, Gates = Gate, Until = Until, LeaveAppPaused = LeaveAppPaused,
    };
}
