using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Shows tasks of AWS DMS with their tables; one that runs with tables in error is shown as failed, and names them.</summary>
/// <remarks>DMS calls a task running although tables of it were given up. State says what is so: Failed, Loading, Following, Stopped, or DMS's word for what passes.</remarks>
/// <example>
/// <code>$link | Get-PgDmsReplication</code>
/// <para>The link's tasks.</para>
/// </example>
/// <example>
/// <code>Get-PgDmsReplication -Region eu-central-1 | Where-Object State -EQ Failed | ForEach-Object Detail</code>
/// <para>What is wrong with any task of the account there.</para>
/// </example>
/// <example>
/// <code>($link | Get-PgDmsReplication).Tables | Sort-Object LoadedRows -Descending | Format-Table Table, State, LoadedRows, Changes, Applied, Validation</code>
/// <para>Table by table.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "PgDmsReplication")]
[OutputType(typeof(DmsTaskReport))]
public sealed class GetPgDmsReplicationCommand : DmsCmdlet
{
    /// <summary>The link whose tasks to show; all tasks by default.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ReplicationLinkTransformation]
    public ReplicationLink? Link { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        if (Link is null && MyInvocation.ExpectingInput)
        {
            throw PipedObject.Missing("a link, as Start-PgDmsReplication and Get-MigrationLink return it; without a pipeline all tasks are shown");
        }

        foreach (var task in Link is null ? await DmsReplication.ReportAsync(Access(), cancel) : await DmsReplication.ReportAsync(LinkOf(Link), cancel))
        {
            Write(task);
        }
    }
}
