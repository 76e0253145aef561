using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Changes something: a file at a path that may be relative to the session's location.</summary>
[Cmdlet(VerbsCommon.Set, "TestFile", SupportsShouldProcess = true)]
public sealed class SetTestFileCommand : MigrationCmdlet
{
    [Parameter(Mandatory = true, Position = 0)]
    public required string Path { get; set; }

    /// <summary>Asks a question that only a person answers.</summary>
    [Parameter]
    public SwitchParameter Ask { get; set; }

    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        string path = ResolvePath(Path);
        if (await ShouldAsync(path, "Write") && (!Ask || await ShouldContinueAsync("Really?", "Write")))
        {
            await File.WriteAllTextAsync(path, "changed", cancel);
            Write(path);
        }
    }
}
