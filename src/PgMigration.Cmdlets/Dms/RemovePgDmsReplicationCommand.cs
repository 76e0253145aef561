using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Removes a replication by AWS DMS with all that it leaves behind: no slot, event trigger, publication or awsdms object stays on the source.</summary>
/// <remarks>
/// Tasks, and the endpoints and the instance that Start-PgDmsReplication made, unless another task uses them; on both servers DMS's tables and ours.
/// One row for each thing: what was removed, and what was left and why. The moved tables are not touched. Safe to run again.
/// </remarks>
/// <example>
/// <code>$link | Remove-PgDmsReplication</code>
/// <para>After the cutover.</para>
/// </example>
/// <example>
/// <code>$link | Remove-PgDmsReplication -WhatIf</code>
/// <para>Says which tasks would be removed.</para>
/// </example>
/// <example>
/// <code>Get-MigrationLink -Source service=own -Target service=aurora | Remove-PgDmsReplication -Confirm:$false | Where-Object -Not Removed</code>
/// <para>What is left, and why.</para>
/// </example>
[Cmdlet(VerbsCommon.Remove, "PgDmsReplication", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(DmsRemoved))]
public sealed class RemovePgDmsReplicationCommand : DmsCmdlet
{
    /// <summary>The link to remove.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ReplicationLinkTransformation]
    public ReplicationLink? Link { get; set; }

    /// <summary>How long a task may take to stop and to go. Bare numbers are seconds; 15 minutes by default.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(15);

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        var link = LinkOf(Link!);
        if (await ShouldAsync(string.Join(", ", link.Tasks.Select(task => task.Identifier)), "Remove the DMS tasks and what belongs to them"))
        {
            foreach (var removed in await DmsRemoval.RemoveAsync(link, Timeout, Observer, cancel))
            {
                Write(removed);
            }
        }
    }
}
