using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Shows what the module's parameter types make of what was typed.</summary>
[Cmdlet(VerbsCommon.Get, "TestValue")]
public sealed class GetTestValueCommand : MigrationCmdlet
{
    [Parameter]
    [DurationTransformation]
    public TimeSpan? Duration { get; set; }

    [Parameter]
    [ByteSizeTransformation]
    public long? Size { get; set; }

    [Parameter(ValueFromPipeline = true)]
    [PgServerTransformation]
    public PgServer? Server { get; set; }

    /// <summary>The server itself rather than its text.</summary>
    [Parameter]
    public SwitchParameter Raw { get; set; }

    [Parameter]
    public string? Variable { get; set; }

    protected override Task ProcessAsync(CancellationToken cancel)
    {
        Write(Duration ?? (object?)Size ?? (Server is not null && Raw ? Server : Server is not null ? Server.ToString() : SessionVariable(Variable!)));
        return Task.CompletedTask;
    }
}
