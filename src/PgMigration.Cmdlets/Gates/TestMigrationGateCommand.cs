using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Asks gates, and writes one row each: whether it holds, what was seen, what was expected.</summary>
/// <remarks>All are asked at the same time. A gate that says no is a row, not an error.</remarks>
/// <example>
/// <code>Test-MigrationGate $errorTracker, $noJobs</code>
/// <para>One row for each of two gates.</para>
/// </example>
/// <example>
/// <code>$gates | Test-MigrationGate | Where-Object Passed -EQ $false</code>
/// <para>Those that say no.</para>
/// </example>
/// <example>
/// <code>Test-MigrationGate { [IO.File]::Exists('/etc/shop/ready') }</code>
/// <para>A plain script block in place of a gate.</para>
/// </example>
[Cmdlet(VerbsDiagnostic.Test, "MigrationGate")]
[OutputType(typeof(GateResult))]
public sealed class TestMigrationGateCommand : MigrationCmdlet
{
    private readonly List<MigrationGate> _gates = [];

    /// <summary>The gates: from New-MigrationGate, or script blocks that write $true.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [GateTransformation]
    public object[] Gate { get; set; } = []; // were it MigrationGate[], the engine would take a script block for one that reads each piped object

    /// <inheritdoc/>
    protected override Task ProcessAsync(CancellationToken cancel)
    {
        _gates.AddRange(Gate.Cast<MigrationGate>());
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override async Task EndAsync(CancellationToken cancel)
    {
        foreach (var result in await MigrationGate.TestAllAsync(_gates, cancel))
        {
            Write(result);
        }
    }
}
