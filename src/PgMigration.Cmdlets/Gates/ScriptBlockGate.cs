using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Passes while the user's own script block writes true, or a number within its bounds.</summary>
public sealed class ScriptBlockGate : MigrationGate
{
    private readonly ScriptSession _session = new();
    private readonly ScriptBlock _block;
    private readonly object[] _arguments;
    private readonly GateExpectation _expectation;

    /// <summary>Describes the gate and opens the block's session.</summary>
    /// <exception cref="MigrationException"><c>ScriptBlockNotSelfContained</c>, <c>ScriptBlockExits</c>.</exception>
    public ScriptBlockGate(ScriptBlock block, object[] arguments, GateExpectation? expectation = null)
    {
        _block = block;
        _arguments = arguments;
        _expectation = expectation ?? GateExpectation.True;
        _session.Check("of the gate", block);
    }

    /// <inheritdoc/>
    public override string Kind => "ScriptBlock";

    /// <inheritdoc/>
    public override string Expected => $"{_expectation} from the script block";

    /// <inheritdoc/>
    protected override async Task<GateObservation> ObserveAsync(CancellationToken cancel)
    {
        var written = await _session.RunAsync("of the gate", _block, _arguments, cancel);
        return written.Count switch
        {
            // A stray object beside the answer could turn a no into a yes, so it is not picked out.
            0 => GateObservation.No("nothing written"),
            1 => _expectation.Compare(written[0]?.BaseObject),
            _ => GateObservation.No(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{written.Count} objects written, expected one")),
        };
    }
}
