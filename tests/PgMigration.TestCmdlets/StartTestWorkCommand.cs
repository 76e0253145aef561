using System.Diagnostics;
using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Long work with a process and a half file, as a restore has: undone when it is stopped, unless its result was handed on.</summary>
[Cmdlet(VerbsLifecycle.Start, "TestWork")]
public sealed class StartTestWorkCommand : MigrationCmdlet
{
    [Parameter(Mandatory = true, Position = 0)]
    public required string Folder { get; set; }

    /// <summary>How many numbers to write before the work would go on for ever.</summary>
    [Parameter]
    public int Records { get; set; }

    /// <summary>Finish: hand on the process's id as the result.</summary>
    [Parameter]
    public SwitchParameter HandOn { get; set; }

    /// <summary>Let the clean-up fail.</summary>
    [Parameter]
    public SwitchParameter FailingUndo { get; set; }

    protected override bool CleansUpOnSignals => true;

    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        string folder = ResolvePath(Folder);
        string half = Path.Combine(folder, "half");
        using var process = Process.Start("sleep", "1000");
        await File.WriteAllTextAsync(Path.Combine(folder, "pid"), $"{process.Id}", cancel);
        bool owned = true;
        try
        {
            await File.WriteAllTextAsync(half, "half", cancel);
            Observer.Progress(new MigrationProgress("Working", "half way") { Percent = 50 });
            for (int i = 1; i <= Records; i++)
            {
                Write(i);
            }

            if (HandOn)
            {
                File.Move(half, Path.Combine(folder, "whole"));
                owned = false; // before it is written: whoever has it relies on it
                Write(process.Id);
            }

            await Task.Delay(Timeout.Infinite, cancel);
        }
        catch when (owned)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
            File.Delete(half);
            WriteWarningLine("The work was undone.");
            if (FailingUndo)
            {
                throw new MigrationException("UndoFailed", MigrationErrorKind.InvalidOperation, "The half file could not be taken back.");
            }

            throw;
        }
    }
}
