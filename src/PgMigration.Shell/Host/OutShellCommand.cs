using System.Management.Automation;
using Microsoft.PowerShell.Commands;

namespace PgMigration.Shell;

/// <summary>The engine's Out-Default, which also shows what it still holds back when a script ends by <c>throw</c> or <c>exit</c>.</summary>
/// <remarks>
/// The formatter keeps the first objects of a table until it knows the columns' widths, and the engine ends it without a word: findings
/// that a runbook writes before it throws would never be seen.
/// </remarks>
[Cmdlet("Out", "Default")]
public sealed class OutShellCommand : OutDefaultCommand
{
    private bool _ended;

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        _ended = true;
        base.EndProcessing();
    }

    /// <inheritdoc/>
    protected override void InternalDispose()
    {
        if (!_ended && !Stopping)
        {
            base.EndProcessing();
        }

        base.InternalDispose();
    }
}
