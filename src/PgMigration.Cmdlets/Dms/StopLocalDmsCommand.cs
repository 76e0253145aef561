using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Stops a local DMS. Its tasks keep their state, and go on when it is started again.</summary>
/// <remarks>
/// As long as a task is stopped its replication slot holds the source's log, and fills the source's disk in the end: -Remove deletes the
/// tasks, their slots and publications first, and the folder afterwards.
/// </remarks>
/// <example>
/// <code>$dms | Stop-LocalDms -Remove</code>
/// <para>At the end of a rehearsal: nothing of it stays on the source.</para>
/// </example>
/// <example>
/// <code>Stop-LocalDms</code>
/// <para>Stops the one that was started without naming a folder.</para>
/// </example>
/// <example>
/// <code>Stop-LocalDms -Path /data/dms -WhatIf</code>
/// <para>Says what would be stopped.</para>
/// </example>
[Cmdlet(VerbsLifecycle.Stop, "LocalDms", SupportsShouldProcess = true)]
public sealed class StopLocalDmsCommand : MigrationCmdlet
{
    /// <summary>The folder that Start-LocalDms was given; what Start-LocalDms returned names it when it is piped.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("Folder")]
    public string? Path { get; set; }

    /// <summary>Stop and delete its tasks first, with their slots and publications on the source, and remove its folder afterwards.</summary>
    [Parameter]
    public SwitchParameter Remove { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        string folder = Path is null ? LocalDmsServer.DefaultFolder : ResolvePath(Path);
        if (await ShouldAsync(folder, Remove ? "Delete the local DMS's tasks, stop it and remove its folder" : "Stop the local DMS"))
        {
            await LocalDmsServer.StopAsync(folder, Remove, cancel);
        }
    }
}
