using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Waits until gates hold, all of them at once, and writes what they saw.</summary>
/// <remarks>
/// Asks at growing intervals, for days if need be. What is out of reach for a while counts as a no and is asked again; -Verbose tells each
/// change. Ctrl-C ends the wait.
/// </remarks>
/// <example>
/// <code>Wait-MigrationGate $errorTracker</code>
/// <para>Returns when the gate holds.</para>
/// </example>
/// <example>
/// <code>$gates | Wait-MigrationGate -Timeout 8h -Verbose</code>
/// <para>All of several, at most a night; tells when one changes its mind.</para>
/// </example>
/// <example>
/// <code>Wait-MigrationGate $errorTracker; $link | Invoke-Cutover -App $app -Gate $errorTracker</code>
/// <para>Waits, then cuts over; the cutover asks once more before it begins.</para>
/// </example>
[Cmdlet(VerbsLifecycle.Wait, "MigrationGate")]
[OutputType(typeof(GateResult))]
public sealed class WaitMigrationGateCommand : MigrationCmdlet
{
    private readonly List<MigrationGate> _gates = [];

    /// <summary>The gates: from New-MigrationGate, or script blocks that write $true.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [GateTransformation]
    public object[] Gate { get; set; } = []; // were it MigrationGate[], the engine would take a script block for one that reads each piped object

    /// <summary>How long to wait; as long as it takes by default. Bare numbers are seconds.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan? Timeout { get; set; }

    /// <summary>The longest time between two rounds; the first ones are closer together. Bare numbers are seconds; 60 by default.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan MaxInterval { get; set; } = TimeSpan.FromSeconds(60);

    /// <inheritdoc/>
    protected override Task ProcessAsync(CancellationToken cancel)
    {
        _gates.AddRange(Gate.Cast<MigrationGate>());
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override async Task EndAsync(CancellationToken cancel)
    {
        foreach (var result in await GateWait.UntilAllHoldAsync(_gates, Timeout, MaxInterval, Observer, cancel))
        {
            Write(result);
        }
    }
}
