using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>A smoke test that is the user's own script block: it fails when it throws, when a program in it fails, or when it writes <c>$false</c>.</summary>
public sealed class ScriptBlockSmokeTest : AppSmokeTest
{
    private readonly ScriptSession _session = new();
    private readonly ScriptBlock _block;
    private readonly object[] _arguments;

    /// <summary>Describes the test.</summary>
    public ScriptBlockSmokeTest(ScriptBlock block, object[] arguments)
    {
        _block = block;
        _arguments = arguments;
    }

    /// <inheritdoc/>
    public override void Check() => _session.Check("-SmokeTest", _block);

    /// <inheritdoc/>
    protected override async Task TryAsync(PgServer server, CancellationToken cancel)
    {
        var written = await _session.RunAsync("-SmokeTest", _block, [server, .. _arguments], cancel);
        if (written.Any(each => each?.BaseObject is false))
        {
            throw new MigrationException("ScriptBlockFailed", MigrationErrorKind.InvalidOperation, "The script block -SmokeTest wrote $false.");
        }
    }
}
