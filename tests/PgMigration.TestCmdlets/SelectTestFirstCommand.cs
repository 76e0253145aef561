using System.Management.Automation;
using System.Reflection;

namespace PgMigration.Cmdlets;

/// <summary>Select-Object -First, which the hosted engine does not have: it stops the commands before it in the engine's own way.</summary>
[Cmdlet(VerbsCommon.Select, "TestFirst")]
public sealed class SelectTestFirstCommand : PSCmdlet
{
    private static readonly Type Stop = typeof(PSCmdlet).Assembly.GetType("System.Management.Automation.StopUpstreamCommandsException")!;

    [Parameter(Position = 0)]
    public int Count { get; set; } = 1;

    [Parameter(ValueFromPipeline = true)]
    public object? InputObject { get; set; }

    protected override void ProcessRecord()
    {
        WriteObject(InputObject);
        if (--Count == 0)
        {
            throw (Exception)Activator.CreateInstance(Stop, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic, null, [this], null)!;
        }
    }
}
