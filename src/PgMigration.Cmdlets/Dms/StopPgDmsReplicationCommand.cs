using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Stops a link's tasks. Start-PgDmsReplication lets them go on.</summary>
/// <remarks>While they are stopped their slots keep WAL on the source: do not leave them so for long. Remove-PgDmsReplication ends them for good.</remarks>
/// <example>
/// <code>$link | Stop-PgDmsReplication</code>
/// <para>Stops the tasks and waits until they are.</para>
/// </example>
/// <example>
/// <code>$link | Stop-PgDmsReplication -WhatIf</code>
/// <para>Says what would be stopped.</para>
/// </example>
/// <example>
/// <code>Get-MigrationLink -Source service=own -Target service=aurora | Stop-PgDmsReplication -Confirm:$false -Timeout 15m</code>
/// <para>Finds the link first, and does not ask.</para>
/// </example>
[Cmdlet(VerbsLifecycle.Stop, "PgDmsReplication", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
public sealed class StopPgDmsReplicationCommand : DmsCmdlet
{
    /// <summary>The link whose tasks to stop.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ReplicationLinkTransformation]
    public ReplicationLink? Link { get; set; }

    /// <summary>How long a task may take to stop. Bare numbers are seconds; 10 minutes by default.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        var link = LinkOf(Link!);
        if (await ShouldAsync(string.Join(", ", link.Tasks.Select(task => task.Identifier)), "Stop the DMS tasks"))
        {
            await DmsReplication.StopAsync(link, Timeout, Observer, cancel);
        }
    }
}
